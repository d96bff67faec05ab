"""Receipts: stored once, put in order, applied; and answers."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from common.clock import now
from common.errors import ForgedError
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Receipt
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Step
from registration.tests.factories import MemberFactory, TargetFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sent() -> Delivery:
    delivery: Delivery = DeliveryFactory(state=State.SENT, attempts=1, sent_at=now(), kind="calllike")
    Attempt.objects.create(delivery=delivery, number=1)
    return delivery


def report(delivery: Delivery, status: str, means: State | None = None, **changes: Any) -> Report:
    attempt = changes.pop("attempt", None) or Attempt.objects.get(delivery=delivery)
    changes.setdefault("fingerprint", f"{status}{changes.get('sequence')}")
    changes.setdefault("kind", attempt.delivery.kind)
    return Report(attempt_id=attempt.pk, status=status, means=means, **changes)


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def test_a_receipt_moves_the_delivery_on(sent: Delivery) -> None:
    assert apply(report(sent, "human", State.DELIVERED))
    assert state(sent) == State.DELIVERED
    assert sent.delivered_at is not None
    assert Receipt.objects.get().is_applied


def test_a_repeated_receipt_is_stored_once_and_changes_nothing(sent: Delivery) -> None:
    apply(report(sent, "busy", State.UNDELIVERED, reason="The line was busy."))
    assert not apply(report(sent, "busy", State.UNDELIVERED))
    assert Receipt.objects.count() == 1
    assert (state(sent), sent.reason) == (State.UNDELIVERED, "The line was busy.")


def test_a_receipt_older_than_the_latest_is_kept_and_not_applied(sent: Delivery) -> None:
    apply(report(sent, "completed", State.DELIVERED, sequence=3))
    assert not apply(report(sent, "ringing", State.UNDELIVERED, sequence=1))
    assert (state(sent), Receipt.objects.count()) == (State.DELIVERED, 2)


def test_no_receipt_brings_a_state_back(sent: Delivery) -> None:
    apply(report(sent, "delivered", State.DELIVERED))
    assert not apply(report(sent, "failed", State.UNDELIVERED))
    assert state(sent) == State.DELIVERED


def test_a_receipt_for_nothing_of_ours_is_refused() -> None:
    with pytest.raises(ForgedError):
        apply(Report(uuid4(), "busy", "x", State.UNDELIVERED, kind="calllike"))
    assert Receipt.objects.count() == 0


def test_a_callback_may_overtake_the_answer_to_the_request(sent: Delivery) -> None:
    Delivery.objects.update(state=State.SENDING, lease_until=now() + MINUTE, sent_at=None)
    apply(report(sent, "answered", State.DELIVERED))
    assert state(sent) == State.DELIVERED
    assert (sent.lease_until, sent.sent_at is not None) == (None, True)


def test_a_miss_brings_the_next_step_forward(sent: Delivery) -> None:
    following = DeliveryFactory(event=sent.event, registration=sent.registration, due_at=now() + 8 * MINUTE)
    same_phone = DeliveryFactory(
        event=sent.event, registration=sent.registration, target=sent.target, due_at=now() + 4 * MINUTE
    )
    apply(report(sent, "no-answer", State.UNDELIVERED))
    following.refresh_from_db()
    same_phone.refresh_from_db()
    assert following.next_attempt_at <= now()
    assert same_phone.next_attempt_at > now()


def test_a_miss_of_an_earlier_try_says_nothing_against_a_later_one(sent: Delivery) -> None:
    first = Attempt.objects.get()
    Attempt.objects.create(delivery=sent, number=2)
    Delivery.objects.update(attempts=2)
    assert not apply(report(sent, "failed", State.UNDELIVERED, attempt=first))
    assert state(sent) == State.SENT
    assert apply(report(sent, "read", State.DELIVERED, attempt=first))


def test_confirming_ends_what_is_pending_for_the_member_and_the_plan(sent: Delivery) -> None:
    colleague = TargetFactory(member=MemberFactory())
    later = DeliveryFactory(
        event=sent.event, registration=sent.registration, target=colleague, due_at=now() + 5 * MINUTE
    )
    own = DeliveryFactory(
        event=sent.event, target=TargetFactory(member=sent.member), due_at=now() + 5 * MINUTE
    )
    others = DeliveryFactory(event=sent.event, due_at=now() + 5 * MINUTE)
    always = DeliveryFactory(
        event=sent.event,
        registration=sent.registration,
        condition=Step.Condition.ALWAYS,
        due_at=now() + MINUTE,
    )
    assert answers.acknowledge(sent, "key")
    assert state(sent) == State.ACKNOWLEDGED
    assert [state(row) for row in (later, own)] == [State.CANCELED, State.CANCELED]
    assert [state(row) for row in (others, always)] == [State.PENDING, State.PENDING]


def test_confirming_twice_is_said_once(sent: Delivery) -> None:
    assert answers.acknowledge(sent, "key")
    assert not answers.acknowledge(sent, "link")
    assert Answer.objects.get().way == "key"


def test_a_confirmation_counts_even_after_a_miss(sent: Delivery) -> None:
    apply(report(sent, "bounced", State.UNDELIVERED))
    answers.acknowledge(sent, "link")
    assert state(sent) == State.ACKNOWLEDGED


def test_a_snooze_tells_the_same_target_again(sent: Delivery) -> None:
    at = answers.snooze(sent, "key", 5 * MINUTE)
    again = Delivery.objects.get(origin="snooze")
    assert (again.target_id, again.due_at, again.state) == (sent.target_id, at, State.PENDING)
    assert state(sent) == State.DELIVERED


def test_a_snooze_said_twice_is_one(sent: Delivery) -> None:
    assert answers.snooze(sent, "push") == answers.snooze(sent, "push")
    assert Delivery.objects.filter(origin="snooze").count() == 1


def test_there_is_no_snooze_beyond_the_end_of_the_event(sent: Delivery) -> None:
    Delivery.objects.update(deadline_at=now() + 2 * MINUTE)
    sent.refresh_from_db()
    assert answers.snooze(sent, "key", 5 * MINUTE) is None
    assert Delivery.objects.count() == 1


def test_passing_on_tells_the_next_person_now(sent: Delivery) -> None:
    own = DeliveryFactory(
        event=sent.event,
        registration=sent.registration,
        target=TargetFactory(member=sent.member),
        due_at=now() + 2 * MINUTE,
    )
    colleague = DeliveryFactory(event=sent.event, registration=sent.registration, due_at=now() + 9 * MINUTE)
    assert answers.pass_on(sent, "key") == colleague.member
    colleague.refresh_from_db()
    own.refresh_from_db()
    assert colleague.next_attempt_at <= now() < own.next_attempt_at


def test_passing_on_without_a_next_person_says_so(sent: Delivery) -> None:
    assert answers.pass_on(sent, "key") is None


def test_stopping_ends_the_calls_and_nothing_else(sent: Delivery) -> None:
    call = DeliveryFactory(
        event=sent.event, target=TargetFactory(member=sent.member, kind="calllike"), due_at=now() + MINUTE
    )
    push = DeliveryFactory(
        event=sent.event, target=TargetFactory(member=sent.member, kind="pushlike"), due_at=now() + MINUTE
    )
    other_event = DeliveryFactory(
        event=EventFactory(), target=TargetFactory(member=sent.member, kind="calllike"), due_at=now() + MINUTE
    )
    answers.stop(sent, "key")
    assert [state(row) for row in (call, push, other_event)] == [State.CANCELED, State.PENDING, State.PENDING]
