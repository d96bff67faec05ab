"""What a worker claims next: a batch while there is much, less towards the end, and of no member before all others."""

from copy import copy
from datetime import timedelta
from typing import Any

import pytest

from common.channels import Severity, get
from common.clock import now
from eventinvoke.models import Delivery, Event
from eventinvoke.sending.claim import claim
from eventinvoke.sending.due import LEAST
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Member
from registration.tests.factories import TargetFactory

pytestmark = pytest.mark.django_db

BATCH = 1000


def due(count: int, kind: str = "pushlike", **values: Any) -> Member:
    """Make deliveries of one member that are due now, each of an event of its own."""
    first = DeliveryFactory(target=TargetFactory(kind=kind, member__daily_cap=None), **values)
    rows = []
    for number in range(1, count):
        event, row = copy(first.event), copy(first)
        event.pk, event.external_id, event.title = None, f"part-{number}", f"Part {number}"
        row.pk = None
        rows.append((event, row))
    Event.objects.bulk_create([event for event, _row in rows])
    keys = dict(Event.objects.filter(source=first.event.source).values_list("external_id", "pk"))
    for event, row in rows:
        row.event_id = keys[event.external_id]
    Delivery.objects.bulk_create([row for _event, row in rows])
    member: Member = first.member
    return member


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


def told(kind: str, limit: int) -> list[str]:
    claimed, _has_more = claim(get(kind), limit)
    rows = Delivery.objects.in_bulk([one.delivery_id for one in claimed])
    return [rows[one.delivery_id].recipient for one in claimed]


@pytest.mark.parametrize("limit", [1, 150])
def test_a_member_with_much_that_is_urgent_is_told_after_the_others(settings: Any, limit: int) -> None:
    settings.NOTICE_PARALLEL = 1
    crowd = due(400, severity=Severity.CRITICAL)
    others = [due(1, due_at=now() - timedelta(seconds=number)) for number in range(3)]
    names = told("pushlike", limit) + told("pushlike", limit) + told("pushlike", limit)
    assert names[:3] == [member.name for member in others[::-1]]
    assert set(names[3:]) <= {crowd.name}


def test_a_few_that_are_due_at_once_go_by_their_severity(settings: Any) -> None:
    settings.NOTICE_PARALLEL = 1
    other = due(1, due_at=now() - timedelta(seconds=9))
    urgent = due(10, severity=Severity.CRITICAL)
    assert told("pushlike", 10) == [urgent.name] * 10
    assert told("pushlike", 10) == [other.name]
