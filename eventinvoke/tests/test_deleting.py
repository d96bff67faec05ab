"""Deleting a step, target, registration or member costs the same however many deliveries there are."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from common.clock import now
from eventinvoke.models import Delivery, Held, Share
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.records import full_record, period_of
from registration.models import Member, Registration, Step, Target
from registration.tests.factories import RegistrationFactory, StepFactory, TargetFactory

pytestmark = pytest.mark.django_db

PENDING = 200_000
QUICK = 0.05
GENEROUS = 10
"""Times ``QUICK``: the machine does other things too. A scan of so many deliveries for each statement takes longer."""
SUBJECTS: list[tuple[str, Callable[[Step], models.Model]]] = [
    ("step", lambda step: step),
    ("target", lambda step: step.target),
    ("registration", lambda step: step.registration),
    ("member", lambda step: step.registration.member),
    ("account", lambda step: step.registration.member.user),
]


def relations() -> Iterator[Any]:
    """Yield what is looked through when the row that it refers to is deleted."""
    for model in apps.get_models(include_auto_created=True):
        fields: list[Any] = model._meta.local_fields
        for field in fields:
            if field.remote_field is not None:
                is_looked_at = field.remote_field.on_delete is not models.DO_NOTHING
                if is_looked_at or field.db_constraint:
                    yield field


def first_columns(model: type[models.Model]) -> set[str]:
    """Return the columns by which rows of a table are found: those that an index without a condition begins with."""
    partial = {index.name for index in model._meta.indexes if index.condition is not None}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {
        one["columns"][0]
        for name, one in found.items()
        if (one["index"] or one["unique"] or one["primary_key"]) and one["columns"] and name not in partial
    }


def test_every_reference_that_a_deletion_follows_has_an_index() -> None:
    bare = [str(field) for field in relations() if field.column not in first_columns(field.model)]
    assert bare == []


def test_no_reference_of_a_delivery_but_its_event_is_followed() -> None:
    assert [field.name for field in relations() if field.model is Delivery] == ["event"]
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Delivery._meta.db_table).values()
    assert {one["columns"][0] for one in found if one["foreign_key"]} == {"event_id"}


def is_of_digest(sql: str) -> bool:
    """Say whether a statement is of the digest of a deleted mute: it reads what was held back by key, and is planned."""
    return sql.startswith("INSERT") or f'"{Delivery._meta.db_table}"."id" IN (' in sql.replace("`", '"')


@pytest.mark.parametrize("subject", [get for _name, get in SUBJECTS], ids=[name for name, _get in SUBJECTS])
def test_a_deletion_issues_no_statement_on_the_deliveries(subject: Callable[[Step], models.Model]) -> None:
    step = StepFactory()
    row = DeliveryFactory(target=step.target, registration=step.registration, step=step)
    shared = full_record(now())
    Share.objects.create(delivery=shared, registration=step.registration, step=step, condition="always")
    period = period_of(now(), registration=step.registration)
    Held.objects.create(
        delivery=row, member=row.member, registration=step.registration, period=period, until=now()
    )
    gone = subject(step)
    with CaptureQueriesContext(connection) as context:
        gone.delete()
    statements = [query["sql"] for query in context.captured_queries]
    assert statements
    assert [sql for sql in statements if Delivery._meta.db_table in sql and not is_of_digest(sql)] == []
    assert Delivery.objects.filter(pk=row.pk, target_id=row.target_id, step_id=row.step_id).exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="measured on one database")
def test_deletions_among_very_many_pending_deliveries_are_quick() -> None:
    step = StepFactory()
    DeliveryFactory(target=step.target, registration=step.registration, step=step)
    pending_like_the_only_one(PENDING)
    assert Delivery.objects.pending().filter(step_id=step.pk).count() == PENDING
    victims: list[models.Model] = [
        StepFactory(registration=step.registration),
        TargetFactory(member=step.registration.member),
        RegistrationFactory(),
        step,  # these are what all the deliveries name
        Target.objects.get(pk=step.target_id),
        Registration.objects.get(pk=step.registration_id),
        Member.objects.get(pk=step.registration.member_id),
    ]
    for victim in victims:
        began = monotonic()
        victim.delete()
        took = monotonic() - began
        assert took < GENEROUS * QUICK, f"{victim._meta.verbose_name} took {took:.3f} s"
    assert Delivery.objects.pending().count() == PENDING


def pending_like_the_only_one(count: int) -> None:
    """Fill the table with copies of its row, a second apart."""
    columns = [field.column for field in Delivery._meta.concrete_fields if field.name not in {"id", "due_at"}]
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO eventinvoke_delivery ("due_at", {names})'  # noqa: S608 - names come from the model
            f" SELECT due_at + n * interval '1 second', {names} FROM eventinvoke_delivery, generate_series(1, %s) n",
            [count - 1],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # not at the end, where no test would wait for them
        cursor.execute("ANALYZE eventinvoke_delivery")
