"""Calls and texts of a day are limited by the administrator; the plan goes on with the next person."""

from datetime import timedelta
from typing import Any

import pytest

from common.channels import Severity
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.stand_ins import CallLike, PushLike
from registration import spending
from registration.models import Member
from registration.tests.factories import MemberFactory, RegistrationFactory, StepFactory, TargetFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_way")]


def call_of(member: Member, number: int, **more: Any) -> Delivery:
    target = TargetFactory.create(member=member, kind="calllike", address=f"{number} of {member.pk}")
    made: Delivery = DeliveryFactory.create(target=target, **more)
    return made


def states(deliveries: list[Delivery]) -> list[str]:
    return [Delivery.objects.get(pk=one.pk).state for one in deliveries]


def test_a_member_s_calls_of_a_day_are_limited_also_the_critical_ones(settings: Any, call: CallLike) -> None:
    settings.NOTICE_DAILY_MEMBER = {"calllike": 2}
    member, other = MemberFactory.create(), MemberFactory.create()
    mine = [call_of(member, n, severity=Severity.CRITICAL) for n in range(3)]
    theirs = call_of(other, 1)
    fire("calllike")
    assert sorted(states(mine)) == [State.SENT, State.SENT, State.SUPPRESSED]
    assert states([theirs]) == [State.SENT]
    assert {one.reason for one in Delivery.objects.filter(state=State.SUPPRESSED)} == {spending.MEMBER_LIMIT}


def test_the_installation_s_calls_of_a_day_are_limited(settings: Any, call: CallLike) -> None:
    settings.NOTICE_DAILY = {"calllike": 2}
    rows = [call_of(MemberFactory.create(), n) for n in range(4)]
    fire("calllike")
    assert sorted(states(rows)) == [State.SENT, State.SENT, State.SUPPRESSED, State.SUPPRESSED]
    assert len(call.sent) == 2


def test_what_has_no_limit_is_not_held_back(settings: Any, push: PushLike) -> None:
    settings.NOTICE_DAILY = settings.NOTICE_DAILY_MEMBER = {"calllike": 0}
    DeliveryFactory.create(target=TargetFactory.create(kind="pushlike"))
    fire("pushlike")
    assert len(push.sent) == 1


def test_the_next_person_is_told_at_once(settings: Any, call: CallLike) -> None:
    settings.NOTICE_DAILY = {"calllike": 0}
    plan = RegistrationFactory.create(source="system")
    event = EventFactory.create(starts_at=now() + timedelta(minutes=30))
    first, later = (
        DeliveryFactory.create(
            event=event,
            target=(target := TargetFactory.create(kind=kind)),
            registration=plan,
            step_id=StepFactory.create(registration=plan, target=target, offset=offset).pk,
            due_at=event.starts_at + offset,
        )
        for kind, offset in (("calllike", timedelta(minutes=-30)), ("pushlike", timedelta(minutes=-10)))
    )
    fire("calllike")
    assert states([first]) == [State.SUPPRESSED]
    later.refresh_from_db()
    assert later.next_attempt_at <= now()
