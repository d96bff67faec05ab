"""Waking: what is due before the next wake-up, and how many senders it is worth."""

from datetime import timedelta
from typing import Any

import pytest

from common.channels import Severity
from common.clock import now
from eventinvoke.planning.replan import follow_changes
from eventinvoke.sending.wake import due_soon, next_due
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Registration
from registration.tests.factories import DateFactory, TargetFactory

pytestmark = pytest.mark.django_db

SOON = timedelta(milliseconds=700)


def pending(kind: str, ahead: timedelta, **changes: Any) -> Any:
    due_at = now() + ahead
    return DeliveryFactory(target=TargetFactory(kind=kind), due_at=due_at, **changes)


def test_nothing_pending_is_nothing_due() -> None:
    assert next_due() == {}
    assert due_soon() == []


def test_the_first_of_each_kind_is_found_with_any_severity() -> None:
    pending("pushlike", timedelta(minutes=5))
    first = pending("pushlike", timedelta(minutes=2), event=EventFactory(severity=Severity.CRITICAL))
    call = pending("calllike", timedelta(minutes=3))
    assert next_due() == {"pushlike": first.next_attempt_at, "calllike": call.next_attempt_at}


def test_only_what_is_due_before_the_next_wake_up_is_soon() -> None:
    pending("calllike", timedelta(minutes=3))
    soon = pending("pushlike", SOON)
    assert [(due.kind, due.at) for due in due_soon()] == [("pushlike", soon.next_attempt_at)]


def test_a_kind_without_a_channel_is_left_alone() -> None:
    pending("carrier-pigeon", -SOON)
    assert due_soon() == []


def test_as_many_senders_are_started_as_there_are_batches_about_to_be_due(settings: Any) -> None:
    settings.NOTICE_BATCH_SIZE = 3
    settings.NOTICE_PARALLEL = 4
    due_at = now() + SOON
    for _ in range(7):
        DeliveryFactory(target=TargetFactory(kind="pushlike"), due_at=due_at)
    assert [due.batches for due in due_soon()] == [3]
    settings.NOTICE_PARALLEL = 2
    assert [due.batches for due in due_soon()] == [2]


def test_what_is_due_apart_is_started_apart_and_what_is_due_together_together() -> None:
    start = now() + timedelta(milliseconds=300)
    for milliseconds in (0, 20, 45, 400, 410):
        DeliveryFactory(
            target=TargetFactory(kind="pushlike"), due_at=start + timedelta(milliseconds=milliseconds)
        )
    ends = [start + timedelta(milliseconds=milliseconds) for milliseconds in (45, 410)]
    assert [(due.at, due.batches) for due in due_soon()] == [(end, 1) for end in ends]


def test_one_look_is_one_query(django_assert_num_queries: Any) -> None:
    for minutes in range(5):
        pending("pushlike", timedelta(minutes=minutes + 1))
    with django_assert_num_queries(1):
        next_due()


def test_a_change_that_comes_while_another_is_planned_is_planned_too() -> None:
    registration = DateFactory()
    assert follow_changes() == 1
    Registration.objects.filter(pk=registration.pk).changed()
    assert follow_changes() == 1
    assert follow_changes() == 0
