"""Many rows at once: every value that is written is read back."""

from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from common.db import bulk
from eventinvoke.models import Attempt, Event
from eventinvoke.models.attempts import new_attempt_id, new_attempt_ids
from eventinvoke.tests.factories import DeliveryFactory, EventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_way")]

COLUMNS = ("id", "delivery_id", "number", "started_at", "outcome", "provider_id", "reason")
ODD = ["", "NULL", r"\N", "a\tb", "line\nbreak\r", "back\\slash", 'say "x", {y}', "ünï 🦊", "'; --"]


def test_texts_are_inserted_as_they_are() -> None:
    delivery, at = DeliveryFactory(), now()
    ids = new_attempt_ids(len(ODD))
    rows = [(one, delivery.pk, 1, at, "", "", text) for one, text in zip(ids, ODD, strict=True)]
    bulk.insert(Attempt, COLUMNS, rows)
    stored = {row.pk: (row.reason, row.started_at) for row in Attempt.objects.all()}
    assert stored == {one: (text, at) for one, text in zip(ids, ODD, strict=True)}


def test_each_row_is_updated_with_its_own_values_and_only_where_it_is_asked() -> None:
    delivery, at = DeliveryFactory(), now() + timedelta(hours=1)
    attempts = [Attempt.objects.create(delivery=delivery, number=number % 2) for number in range(len(ODD))]
    rows = [(one.pk, at, text) for one, text in zip(attempts, ODD, strict=True)]
    bulk.update(Attempt, ["ended_at", "reason"], rows, number=1)
    for one, text in zip(attempts, ODD, strict=True):
        found = Attempt.objects.get(pk=one.pk)
        assert (found.ended_at, found.reason) == ((at, text) if one.number == 1 else (None, ""))


def test_what_is_there_already_is_left_out_and_the_others_are_inserted() -> None:
    at = now()
    EventFactory(source="system", external_id="1", title="Stays")
    labels = [{"a": [1, "x"]}, {"say": 'a "quotation", {brace}'}, {}]
    rows = [
        ("system", str(number), text, label, at, at)
        for number, (text, label) in enumerate(zip(ODD, labels * 3, strict=True))
    ]
    columns = ("source", "external_id", "title", "labels", "starts_at", "deadline_at")
    made = bulk.insert_missing(Event, columns, rows, returning=("id", "external_id"))
    stored = {event.external_id: event for event in Event.objects.all()}
    assert sorted(made) == sorted((event.pk, name) for name, event in stored.items() if name != "1")
    assert stored.pop("1").title == "Stays"
    for row in rows:
        if row[1] != "1":
            event = stored[row[1]]
            assert (event.title, event.labels, event.starts_at) == (row[2], row[3], at)
            assert (event.severity, event.canceled_at, event.is_all_day) == (10, None, False)


def test_more_rows_than_a_statement_takes_are_inserted() -> None:
    at = now()
    rows = [("system", str(number), "PFS telecon", at, at) for number in range(2500)]
    columns = ("source", "external_id", "title", "starts_at", "deadline_at")
    assert len(bulk.insert_missing(Event, columns, rows, returning=("id",))) == len(rows)
    assert Event.objects.count() == len(rows)


def test_more_rows_than_are_joined_at_once_are_updated(django_assert_max_num_queries: Any) -> None:
    at = now()
    columns = ("source", "external_id", "title", "starts_at", "deadline_at")
    rows = [("system", str(number), "PFS telecon", at, at) for number in range(1200)]
    made = bulk.insert_missing(Event, columns, rows, returning=("id", "external_id"))
    with django_assert_max_num_queries(3):
        bulk.update(
            Event, ["title", "labels", "ends_at"], [(pk, name, {"n": name}, None) for pk, name in made]
        )
    assert all((e.title, e.labels) == (e.external_id, {"n": e.external_id}) for e in Event.objects.all())


def test_rows_that_exist_are_set_and_the_others_inserted() -> None:
    at = now()
    columns = ("source", "external_id", "title", "starts_at", "deadline_at")
    key = ("source", "external_id")
    bulk.upsert(Event, columns, [("system", str(number), "Old", at, at) for number in range(3)], key=key)
    Event.objects.update(location="Hall")
    later = at + timedelta(hours=1)
    bulk.upsert(
        Event, columns, [("system", str(number), "New", later, later) for number in (1, 2, 3)], key=key
    )
    found = Event.objects.order_by("external_id").values_list("title", "starts_at", "location")
    assert list(found) == [
        ("Old", at, "Hall"), ("New", later, "Hall"), ("New", later, "Hall"), ("New", later, ""),
    ]  # fmt: skip


def test_nothing_to_write_is_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        bulk.insert(Attempt, COLUMNS, [])
        bulk.insert_missing(Attempt, COLUMNS, [])
        bulk.upsert(Attempt, COLUMNS, [], key=("id",))
        bulk.update(Attempt, ["reason"], [])


def test_attempts_are_named_in_the_order_of_their_making() -> None:
    first = new_attempt_id()
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert len({*new_attempt_ids(1000)}) == 1000
    assert all(one.version == 7 for one in new_attempt_ids(100))
