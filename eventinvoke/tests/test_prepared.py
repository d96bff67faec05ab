"""Rows that are read by a query which was compiled once are those that Django reads."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from common.clock import now
from common.db import bulk
from common.db.prepared import Given, Row
from eventinvoke.models import Answer, Attempt, Delivery, Receipt
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Member

pytestmark = pytest.mark.django_db
ALONG = ("delivery__event", "delivery__member__user", "delivery__registration")


def rows(key: Any) -> QuerySet[Attempt]:
    found = Attempt.objects.filter(pk=key).select_related(*ALONG).defer("delivery__event__description")
    return found.annotate(is_answered=Exists(Answer.objects.filter(delivery=OuterRef("delivery"))))


def facts(attempt: Attempt) -> list[dict[str, Any]]:
    """Return the columns of a row and of what was read along with it."""
    delivery = attempt.delivery
    read = [attempt, delivery, delivery.event, delivery.member, delivery.member.user, delivery.registration]
    return [{name: value for name, value in vars(one).items() if name != "_state"} for one in read]


def test_a_row_is_read_with_all_that_django_reads() -> None:
    read = Row(rows, Attempt._meta.pk)
    for _turn in range(3):
        delivery = DeliveryFactory(event__labels={"a": [1]}, event__is_all_day=True, event__location='"x"')
        attempt = Attempt.objects.create(delivery=delivery, starts_at=now())
        found, expected = read.get(attempt.pk), rows(attempt.pk).get()
        assert found is not None
        assert facts(found) == facts(expected)
        assert found.delivery.event.labels == {"a": [1]}
        assert found.delivery.event.is_all_day is True
        assert vars(found)["is_answered"] is False or vars(found)["is_answered"] == 0


def test_what_the_row_refers_to_may_be_gone() -> None:
    attempt = Attempt.objects.create(delivery=DeliveryFactory())
    Member.objects.all().delete()
    found = Row(rows, Attempt._meta.pk).get(attempt.pk)
    assert found is not None
    assert found.delivery.member is None


def test_there_is_no_row_for_an_unknown_value() -> None:
    assert Row(rows, Attempt._meta.pk).get(uuid4()) is None


def test_the_statement_is_compiled_once() -> None:
    made: list[Given] = []

    def make(key: Given) -> QuerySet[Attempt]:
        made.append(key)
        return rows(key)

    read = Row(make, Attempt._meta.pk)
    for _turn in range(3):
        attempt = Attempt.objects.create(delivery=DeliveryFactory())
        assert read.get(attempt.pk) == attempt
    assert len(made) == 1


def columns(attempt: Attempt, fingerprint: str) -> dict[str, Any]:
    payload = {"To": 'a "quotation", {brace} 🦊', "None": None}
    values = {"attempt": attempt.pk, "status": "it's", "sequence": None, "fingerprint": fingerprint}
    return values | {"payload": payload, "raw_at": None, "is_applied": True, "received_at": now()}


def test_one_row_is_inserted_as_it_is_and_once() -> None:
    attempt = Attempt.objects.create(delivery=DeliveryFactory())
    values = columns(attempt, "a")
    assert bulk.insert_one(Receipt, values)
    assert not bulk.insert_one(Receipt, values | {"status": "other"})
    stored = Receipt.objects.get()
    assert {name: getattr(stored, name) for name in values if name != "attempt"} == {
        name: value for name, value in values.items() if name != "attempt"
    }
    assert stored.attempt == attempt


def test_one_row_is_inserted_where_a_source_has_a_row() -> None:
    attempt = Attempt.objects.create(delivery=DeliveryFactory(attempts=2))
    source = f"{Delivery._meta.db_table} d WHERE d.attempts = %s"
    assert not bulk.insert_one(Receipt, columns(attempt, "a"), source, [3])
    assert bulk.insert_one(Receipt, columns(attempt, "a"), source, [2])
    assert not bulk.insert_one(Receipt, columns(attempt, "a"), source, [2])
    assert Receipt.objects.count() == 1


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="Only PostgreSQL is asked to prepare statements."
)
def test_nothing_is_prepared_where_a_pooler_does_not_know_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            return int(cursor.fetchone()[0])

    attempt = Attempt.objects.create(delivery=DeliveryFactory())
    before = count()
    with monkeypatch.context() as patch:
        patch.setattr(connection.connection, "prepare_threshold", None)
        assert Row(rows, Attempt._meta.pk).get(attempt.pk) == attempt
        assert count() == before
    assert Row(rows, Attempt._meta.pk).get(attempt.pk) == attempt
    assert count() == before + 1
