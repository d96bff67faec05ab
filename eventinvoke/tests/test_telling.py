from datetime import timedelta

import pytest

from common.clock import now
from common.states import State
from eventinvoke.matching import SUMMARY_SOURCE
from eventinvoke.models import Delivery
from eventinvoke.planning import plan_events
from eventinvoke.publish import EventDraft
from eventinvoke.telling import tell_member
from registration.tests.factories import MemberFactory, RegistrationFactory, StepFactory

pytestmark = pytest.mark.django_db


def draft() -> EventDraft:
    at = now().replace(microsecond=0)
    return EventDraft(
        source=SUMMARY_SOURCE,
        external_id="account:1:refused",
        title="Connect again",
        starts_at=at,
        deadline_at=at + timedelta(days=7),
    )


def test_one_member_is_told_in_the_inbox_and_nobody_else() -> None:
    member, other = MemberFactory(), MemberFactory()
    StepFactory(registration=RegistrationFactory(member=other, calendar=None, source="", pattern="."))
    tell_member(member, draft())
    delivery = Delivery.objects.get()
    assert (delivery.member, delivery.kind, delivery.state) == (member, "inbox", State.PENDING)


def test_what_is_told_again_is_told_once() -> None:
    member, told = MemberFactory(), draft()
    tell_member(member, told)
    tell_member(member, told)
    assert Delivery.objects.count() == 1


def test_planning_does_not_take_it_back() -> None:
    tell_member(MemberFactory(), draft())
    plan_events(list(Delivery.objects.values_list("event_id", flat=True)))
    assert Delivery.objects.get().state == State.PENDING
