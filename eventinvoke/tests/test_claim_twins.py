"""The same meeting in two calendars, claimed by two workers at once."""

from datetime import timedelta

import pytest
from django.db import connection

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.querysets import TOLD_BY_TWIN
from eventinvoke.sending.claim import claim
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.holding import held, uncommitted
from eventinvoke.tests.stand_ins import PushLike
from registration.tests.factories import CalendarFactory, TargetFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_workers_tell_of_one_meeting_once(push: PushLike) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    target, starts_at, due_at = TargetFactory(kind="pushlike"), now() + timedelta(minutes=5), now()
    for _calendar in range(2):
        event = EventFactory(source=CalendarFactory(owner=None).source, starts_at=starts_at)
        DeliveryFactory(target=target, event=event, due_at=due_at)
    with uncommitted(lambda: claim(push, 1)):
        assert claim(push, 10)[0] == []
        assert Delivery.objects.filter(state=State.PENDING, next_attempt_at__gt=due_at).count() == 1
    Delivery.objects.pending().update(next_attempt_at=due_at)
    assert claim(push, 10)[0] == []
    assert sorted(Delivery.objects.values_list("state", "reason")) == [
        ("sending", ""),
        ("suppressed", TOLD_BY_TWIN),
    ]


def test_a_claim_waits_for_no_lock_of_an_event(push: PushLike) -> None:
    """The one who has it may wait for the delivery."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    calendars = [CalendarFactory(owner=None).source for _number in range(2)]
    starts_at = now() + timedelta(minutes=5)
    first, _second = [EventFactory(source=source, starts_at=starts_at) for source in calendars]
    DeliveryFactory(target=TargetFactory(kind="pushlike"), event=first)
    with held(first):
        assert claim(push, 10)[0] == []
    Delivery.objects.update(next_attempt_at=now())
    assert len(claim(push, 10)[0]) == 1
