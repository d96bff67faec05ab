"""Many rows at once: what is written is read back, whatever it holds."""

from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from eventinvoke import bulk
from eventinvoke.models import Attempt
from eventinvoke.models.attempts import new_attempt_id, new_attempt_ids
from eventinvoke.tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db

COLUMNS = ("id", "delivery_id", "number", "started_at", "outcome", "provider_id", "reason", "sequence")
ODD = ["", "NULL", r"\N", "a\tb", "line\nbreak\r", "back\\slash", 'say "x", {y}', "ünï 🦊", "'; --"]


def test_texts_are_inserted_as_they_are() -> None:
    delivery, at = DeliveryFactory(), now()
    ids = new_attempt_ids(len(ODD))
    rows = [(one, delivery.pk, 1, at, "", "", text, -1) for one, text in zip(ids, ODD, strict=True)]
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


def test_nothing_to_write_is_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        bulk.insert(Attempt, COLUMNS, [])
        bulk.update(Attempt, ["reason"], [])


def test_attempts_are_named_in_the_order_of_their_making() -> None:
    first = new_attempt_id()
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert len({*new_attempt_ids(1000)}) == 1000
    assert all(one.version == 7 for one in new_attempt_ids(100))
