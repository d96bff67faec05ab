"""How much a worker claims at once: a batch while there is much, and less towards the end."""

from copy import copy
from typing import Any

import pytest

from common.channels import get
from eventinvoke.models import Delivery, Event
from eventinvoke.sending.claim import LEAST, claim
from eventinvoke.tests.factories import DeliveryFactory
from registration.tests.factories import TargetFactory

pytestmark = pytest.mark.django_db

BATCH = 1000


def due(count: int) -> None:
    """Make deliveries that are due now, each of an event of its own."""
    first = DeliveryFactory(target=TargetFactory(kind="pushlike", member__daily_cap=None))
    rows = []
    for number in range(1, count):
        event, row = copy(first.event), copy(first)
        event.pk, event.external_id, event.title = None, f"part-{number}", f"Part {number}"
        row.pk, row.event = None, event
        rows.append((event, row))
    Event.objects.bulk_create([event for event, _row in rows])
    for event, row in rows:
        row.event_id = event.pk
    Delivery.objects.bulk_create([row for _event, row in rows])


def test_the_less_is_left_the_less_is_claimed_until_a_batch_is_not_worth_it(settings: Any) -> None:
    settings.NOTICE_PARALLEL = 2
    due(1900)
    counts = []
    has_more = True
    while has_more:
        claimed, has_more = claim(get("pushlike"), BATCH)
        counts.append(len(claimed))
    assert counts[:4] == [475, 356, 267, 200]
    assert all(count == LEAST for count in counts[4:-1])
    assert sum(counts) == 1900


def test_much_is_claimed_in_whole_batches(settings: Any) -> None:
    settings.NOTICE_PARALLEL = 1
    due(650)
    assert len(claim(get("pushlike"), 300)[0]) == 300
