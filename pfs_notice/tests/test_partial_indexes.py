"""MariaDB and MySQL find the few rows that a condition fulfils as fast as databases with partial indexes do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from common.clock import now
from common.db.partial_indexes import columns_of
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.sending.due import due_rows
from eventinvoke.tests.factories import DeliveryFactory
from registration.tests.factories import TargetFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),  # ANALYZE TABLE commits
    pytest.mark.skipif(connection.vendor != "mysql", reason="the others have partial indexes"),
]

OLD = 2000


def indexes_of(model: type[Model]) -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {name: one["columns"] for name, one in found.items() if one["index"]}


def rows_read(work: Callable[[], Any]) -> int:
    """How many rows the server read for some work."""

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            return sum(int(value) for _name, value in cursor.fetchall())

    before = count()
    counting = count() - before  # the question reads rows itself
    before = count()
    work()
    return count() - before - counting


def test_the_columns_of_a_condition_come_first() -> None:
    looked_at = 0
    for model in apps.get_models():
        for index in model._meta.indexes:
            if index.condition is not None:
                assert indexes_of(model)[index.name] == columns_of(model, index)
                looked_at += 1
    assert looked_at >= 6


def test_no_index_is_the_beginning_of_another() -> None:
    """It would cost each write and serve no query."""
    for model in apps.get_models():
        found = indexes_of(model)
        for name, columns in found.items():
            longer = [
                other for other, wide in found.items() if other != name and wide[: len(columns)] == columns
            ]
            assert not longer, f"{model._meta.db_table}: {name} is in {longer}"


def test_deliveries_of_the_past_are_not_read_to_find_those_that_are_due() -> None:
    pending = [DeliveryFactory.create(target=TargetFactory(kind="pushlike")) for _ in range(3)]
    at = now()
    Delivery.objects.bulk_create(
        Delivery(
            event=pending[0].event, member=pending[0].member, target=pending[0].target, kind="pushlike",
            severity=pending[0].severity, state=State.SENT, sent_at=at, starts_at=pending[0].starts_at,
            due_at=at - timedelta(hours=1, seconds=number), next_attempt_at=at - timedelta(hours=1),
            deadline_at=at + timedelta(hours=1), slot=number + 1,
        )
        for number in range(OLD)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {Delivery._meta.db_table}")
        cursor.fetchall()
    found: list[Any] = []
    with transaction.atomic():
        read = rows_read(lambda: found.extend(due_rows("pushlike", 100, now(), is_locked=True)))
    assert {row.pk for row in found} == {row.pk for row in pending}
    assert read < OLD / 10
