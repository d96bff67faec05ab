"""Results that come late, or after another worker has found out more."""

from datetime import timedelta

import pytest

from common.channels import Outcome, SendResult
from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.sending.claim import claim
from eventinvoke.sending.compose import Claimed
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.leases import recover_leases
from eventinvoke.sending.record import record
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.stand_ins import CallLike
from registration.tests.factories import TargetFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def claimed(call: CallLike) -> Claimed:
    """A call that a worker has begun to make."""
    DeliveryFactory(target=TargetFactory(kind="calllike", address="ok"))
    (one,), _more = claim(call, 10)
    return one


def let_the_lease_run_out() -> None:
    Delivery.objects.update(lease_until=now() - MINUTE)
    recover_leases()


def test_an_answer_that_was_lost_does_not_lose_the_id_that_a_callback_has_told(call: CallLike) -> None:
    one = claimed(call)
    apply(Report(one.attempt_id, "initiated", "1", State.SENT, provider_id="CA1", kind="calllike"))
    record(call, [(one, SendResult(one.message, Outcome.UNKNOWN, reason="It took too long."))])
    assert Attempt.objects.get().provider_id == "CA1"
    assert Delivery.objects.get().state == State.SENT


def test_a_worker_that_knows_nothing_changes_nothing_of_what_was_found_out_by_asking(call: CallLike) -> None:
    one = claimed(call)
    call.answers["ok"] = Outcome.ACCEPTED
    let_the_lease_run_out()
    record(call, [(one, SendResult(one.message, Outcome.UNKNOWN, reason="It took too long."))])
    assert (Attempt.objects.get().outcome, Delivery.objects.get().state) == ("accepted", State.SENT)


def test_a_worker_that_comes_late_brings_no_step_forward(call: CallLike) -> None:
    one = claimed(call)
    row = Delivery.objects.get()
    following = DeliveryFactory(
        event=row.event,
        registration=row.registration,
        target=TargetFactory(member=row.member, kind="pushlike"),
        due_at=now() + 8 * MINUTE,
    )
    call.answers["ok"] = Outcome.ACCEPTED
    let_the_lease_run_out()
    record(call, [(one, SendResult(one.message, Outcome.REJECTED, reason="late"))])
    following.refresh_from_db()
    assert following.next_attempt_at > now()
    assert fire("pushlike").tried == 0
