"""What was on its way when its event moved, was canceled or confirmed."""

from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.replies.answers import acknowledge, stop
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.leases import take_back
from eventinvoke.tests.stand_ins import CallLike, PushLike
from registration.models import Step
from registration.tests.factories import RegistrationFactory, StepFactory, TargetFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SOURCE = "system"


class Plan:
    """An event with a step that is due now, to a target at ``address``, and one eight minutes later."""

    def __init__(self, address: str, kind: str = "pushlike", **step: Any) -> None:
        registration = RegistrationFactory(source=SOURCE)
        member = registration.member
        target = TargetFactory(member=member, kind=kind, address=address)
        StepFactory(registration=registration, target=target, offset=-10 * MINUTE, **step)
        following = TargetFactory(member=member, kind="pushlike")
        StepFactory(registration=registration, target=following, offset=-2 * MINUTE)
        self.starts_at = now() + 10 * MINUTE
        self.target = target
        self.following = following
        self.publish(self.starts_at)
        self.delivery = Delivery.objects.get(target=target)

    def publish(self, starts_at: Any) -> None:
        """Publish the event with a start."""
        publish([EventDraft(SOURCE, "1", "PFS telecon", starts_at)])

    def try_again(self) -> str:
        """Let the time of the next try come; return the state after it."""
        Delivery.objects.filter(pk=self.delivery.pk).update(next_attempt_at=now())
        fire(self.delivery.kind)
        return self.state

    @property
    def state(self) -> str:
        """Where the first delivery stands."""
        self.delivery.refresh_from_db()
        return self.delivery.state

    def report(self, means: State) -> None:
        """Let the provider report about the first delivery."""
        attempt = Attempt.objects.get(delivery=self.delivery)
        apply(Report(attempt.pk, str(means), f"{means}", means, kind=attempt.delivery.kind))


def test_what_is_wanted_is_tried_again(push: PushLike) -> None:
    plan = Plan("later")
    fire("pushlike")
    assert plan.try_again() == State.PENDING
    assert len(push.sent) == 2


def test_what_was_being_sent_when_its_event_was_canceled_is_not_tried_again(push: PushLike) -> None:
    plan = Plan("later")
    fire("pushlike")
    # As if it was withdrawn while the provider had it: then it was not pending, and not canceled.
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.SENDING, lease_until=now())
    withdraw(SOURCE, ["1"])
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.PENDING, lease_until=None)
    assert plan.try_again() == State.CANCELED
    assert len(push.sent) == 1


def test_what_was_being_sent_when_its_event_moved_is_told_at_the_new_time_only(push: PushLike) -> None:
    plan = Plan("later")
    fire("pushlike")
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.SENDING, lease_until=now())
    plan.publish(plan.starts_at + 60 * MINUTE)
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.PENDING, lease_until=None)
    assert plan.try_again() == State.CANCELED
    assert len(push.sent) == 1
    pending = Delivery.objects.pending().get(target=plan.target)
    assert pending.due_at == plan.starts_at + 50 * MINUTE


def test_what_was_being_sent_when_a_member_acknowledged_is_not_tried_again(push: PushLike) -> None:
    plan = Plan("later")
    fire("pushlike")
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.SENDING, lease_until=now())
    acknowledge(Delivery.objects.get(target=plan.following), "link")
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.PENDING, lease_until=None)
    assert plan.try_again() == State.CANCELED


def test_what_is_told_always_is_tried_again_though_a_member_acknowledged(push: PushLike) -> None:
    plan = Plan("later", condition=Step.Condition.ALWAYS)
    fire("pushlike")
    acknowledge(Delivery.objects.get(target=plan.following), "link")
    assert plan.try_again() == State.PENDING
    assert len(push.sent) == 2


def test_a_queued_call_about_an_event_that_moved_is_taken_back(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    assert take_back() == 0
    plan.publish(plan.starts_at + 60 * MINUTE)
    assert take_back() == 1
    assert (plan.state, call.canceled) == (State.CANCELED, ["id-1"])


def test_an_event_that_comes_back_to_its_time_is_told_though_its_call_was_taken_back(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    plan.publish(plan.starts_at + 60 * MINUTE)
    take_back()
    plan.publish(plan.starts_at)
    pending = Delivery.objects.pending().get(target=plan.target)
    assert pending.due_at == plan.delivery.due_at
    fire("calllike")
    assert len(call.sent) == 2


def test_a_queued_call_to_a_member_who_stopped_the_calls_is_taken_back(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike", condition=Step.Condition.ALWAYS)
    fire("calllike")
    stop(plan.delivery, "key")
    Delivery.objects.filter(pk=plan.delivery.pk).update(state=State.SENT, lease_until=now() + MINUTE)
    assert take_back() == 1


def test_a_missed_call_brings_the_next_step_forward(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    plan.report(State.UNDELIVERED)
    assert Delivery.objects.get(target=plan.following).next_attempt_at <= now()


def test_a_missed_call_about_the_old_time_brings_no_step_to_the_new_one_forward(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    plan.publish(plan.starts_at + 60 * MINUTE)
    plan.report(State.UNDELIVERED)
    assert plan.state == State.UNDELIVERED
    for row in Delivery.objects.pending().filter(origin="plan"):
        assert row.next_attempt_at == row.due_at > now()
    assert Delivery.objects.pending().filter(target=plan.following).exists()


def test_a_queued_call_of_a_registration_that_was_declined_is_taken_back(call: CallLike) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    assert take_back() == 0
    registration = plan.delivery.registration
    assert registration is not None
    registration.declined_at = now()
    registration.save()
    assert take_back() == 1
    assert (plan.state, call.canceled) == (State.CANCELED, ["id-1"])


def test_a_queued_call_of_a_registration_that_was_deleted_goes_to_another_that_wants_it(
    call: CallLike,
) -> None:
    plan = Plan("ok", kind="calllike")
    fire("calllike")
    assert plan.delivery.registration is not None
    plan.delivery.registration.delete()
    other = RegistrationFactory(source=SOURCE, member=plan.target.member)
    StepFactory(registration=other, target=plan.target, offset=-10 * MINUTE)
    assert take_back() == 1
    assert (plan.state, call.canceled) == (State.CANCELED, ["id-1"])
    assert Delivery.objects.pending().get(target=plan.target).registration == other
