"""Delivering: claim, send, record."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F

from common.channels import Outcome, SendResult, Severity
from common.clock import now
from common.process_ids import read
from common.states import State
from eventinvoke.models import Attempt, Delivery, RateLimit
from eventinvoke.sending import deliver
from eventinvoke.sending.backoff import LAST, next_try
from eventinvoke.sending.claim import claim
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.leases import recover_leases, take_back
from eventinvoke.sending.limits import members_of
from eventinvoke.sending.record import record
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.stand_ins import CallLike, OneASecond, PushLike
from registration.models import Target
from registration.tests.factories import MemberFactory, RegistrationFactory, TargetFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def due(address: str = "ok", kind: str = "pushlike", **changes: Any) -> Delivery:
    target = changes.pop("target", None) or TargetFactory(
        kind=kind, address=address, fingerprint=uuid4().hex, **_member(changes)
    )
    delivery: Delivery = DeliveryFactory(target=target, **changes)
    return delivery


def _member(changes: dict[str, Any]) -> dict[str, Any]:
    return {"member": changes.pop("of")} if "of" in changes else {}


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def test_what_is_due_is_sent_and_its_attempt_recorded(push: PushLike) -> None:
    delivery = due()
    assert fire("pushlike").tried == 1
    attempt = Attempt.objects.get()
    assert state(delivery) == State.SENT
    assert (attempt.delivery_id, attempt.outcome, attempt.provider_id) == (delivery.pk, "accepted", "id-1")
    assert read(push.sent[0].process_id) == attempt.pk
    assert delivery.sent_at is not None
    assert delivery.lease_until is not None  # a browser has to report until then


def test_what_is_not_due_yet_is_not_sent(push: PushLike) -> None:
    delivery = due(due_at=now() + MINUTE)
    assert fire("pushlike").tried == 0
    assert (state(delivery), push.sent) == (State.PENDING, [])


def test_nothing_is_sent_twice(push: PushLike) -> None:
    due()
    fire("pushlike")
    fire("pushlike")
    assert len(push.sent) == 1


def test_the_most_urgent_goes_first_and_then_the_oldest(push: PushLike) -> None:
    for severity, age in (
        (Severity.INFO, 3),
        (Severity.CRITICAL, 1),
        (Severity.INFO, 5),
        (Severity.CRITICAL, 2),
    ):
        due(event=EventFactory(severity=severity, title=f"{severity}/{age}"), due_at=now() - age * MINUTE)
    fire("pushlike")
    assert [message.title for message in push.sent] == ["30/2", "30/1", "10/5", "10/3"]


def test_more_than_a_batch_is_sent_in_one_go(push: PushLike, settings: Any) -> None:
    settings.NOTICE_BATCH_SIZE = 3
    for _ in range(8):
        due()
    assert fire("pushlike").tried == 8
    assert Delivery.objects.filter(state=State.SENT).count() == 8


def test_batches_of_any_size_take_as_many_queries(django_assert_max_num_queries: Any) -> None:
    for _ in range(100):
        due()
    with django_assert_max_num_queries(34):
        assert fire("pushlike").tried == 100


def test_a_refusal_for_now_is_tried_again_after_the_time_that_the_provider_asks_for() -> None:
    delivery = due("later")
    fire("pushlike")
    assert state(delivery) == State.PENDING
    assert timedelta(seconds=29) < delivery.next_attempt_at - now() < MINUTE
    assert delivery.reason == "It said later."


def test_a_retry_that_would_come_after_the_deadline_comes_just_before_it() -> None:
    soon = now() + timedelta(seconds=20)
    delivery = due("later", event=EventFactory(starts_at=now() - MINUTE, deadline_at=soon))
    fire("pushlike")
    assert state(delivery) == State.PENDING
    assert delivery.next_attempt_at == soon - LAST


def test_after_the_last_try_before_the_deadline_it_has_failed() -> None:
    delivery = due("later", event=EventFactory(starts_at=now() - MINUTE, deadline_at=now() + LAST / 2))
    fire("pushlike")
    assert state(delivery) == State.FAILED


def test_what_waited_too_long_for_its_turn_is_put_back_unsent(push: PushLike, settings: Any) -> None:
    # As if each message's turn came after half of its lease, when another worker may think it lost.
    settings.NOTICE_LEASE_SECONDS = -1
    delivery = due()
    fire("pushlike")
    assert (state(delivery), push.sent) == (State.PENDING, [])


def test_no_number_of_failures_is_final_before_the_deadline(push: PushLike) -> None:
    delivery = due("later")
    for _ in range(30):
        Delivery.objects.update(next_attempt_at=now())
        fire("pushlike")
        assert state(delivery) == State.PENDING
    assert delivery.next_attempt_at - now() <= timedelta(minutes=5)
    assert len(push.sent) == 30


def test_a_refusal_for_good_fails_and_keeps_the_target() -> None:
    delivery = due("no")
    fire("pushlike")
    assert state(delivery) == State.FAILED
    assert Target.objects.get().disabled_at is None


def test_a_target_that_is_gone_is_disabled() -> None:
    delivery = due("gone")
    fire("pushlike")
    assert state(delivery) == State.FAILED
    assert [one.disabled_reason for one in Target.objects.filter(kind="pushlike")] == ["It said gone."]


def test_wrong_credentials_keep_the_target_and_the_notice() -> None:
    delivery = due("wrong")
    fire("pushlike")
    assert state(delivery) == State.PENDING
    assert Target.objects.get().disabled_at is None


def test_what_arrived_at_once_is_delivered() -> None:
    delivery = due("delivered")
    fire("pushlike")
    assert state(delivery) == State.DELIVERED


def test_a_failure_brings_the_next_step_forward() -> None:
    first = due("no")
    following = due(event=first.event, registration=first.registration, due_at=now() + 8 * MINUTE)
    other_plan = due(event=first.event, due_at=now() + 8 * MINUTE)
    fire("pushlike")
    following.refresh_from_db()
    other_plan.refresh_from_db()
    assert following.next_attempt_at <= now()
    assert other_plan.next_attempt_at > now()


def test_an_overdue_delivery_expires_with_its_event(push: PushLike) -> None:
    delivery = due(event=EventFactory(starts_at=now() - 2 * MINUTE, deadline_at=now() - MINUTE))
    fire("pushlike")
    assert (state(delivery), push.sent) == (State.EXPIRED, [])


def test_a_disabled_target_gets_nothing(push: PushLike) -> None:
    delivery = due(target=TargetFactory(kind="pushlike", disabled_at=now()))
    fire("pushlike")
    assert (state(delivery), push.sent) == (State.CANCELED, [])


def test_a_deleted_registration_sends_nothing(push: PushLike) -> None:
    delivery = due()
    assert delivery.registration is not None
    delivery.registration.delete()
    fire("pushlike")
    assert (state(delivery), push.sent) == (State.CANCELED, [])


def quiet_now() -> Any:
    moment = now()
    return MemberFactory(quiet_from=(moment - MINUTE).time(), quiet_until=(moment + MINUTE).time())


def test_quiet_hours_hold_back_all_but_critical_notices() -> None:
    member = quiet_now()
    normal = due(of=member)
    critical = due(of=member, event=EventFactory(severity=Severity.CRITICAL))
    fire("pushlike")
    assert state(normal) == State.SUPPRESSED
    assert state(critical) == State.SENT


@pytest.mark.parametrize(("hour", "is_quiet"), [(22, False), (23, True), (2, True), (7, False)])
def test_quiet_hours_may_span_midnight_in_the_member_s_own_zone(hour: int, is_quiet: bool) -> None:  # noqa: FBT001

    member = MemberFactory(time_zone="Asia/Tokyo", quiet_from=time(23), quiet_until=time(7))
    instant = datetime(2026, 5, 1, hour, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert members_of([member.pk])[member.pk].is_quiet(instant) is is_quiet


def test_the_daily_limit_keeps_its_reserve_for_critical_notices() -> None:
    member = MemberFactory(daily_cap=3, critical_reserve=1)
    normal = [due(of=member) for _ in range(3)]
    fire("pushlike")
    assert sorted(state(one) for one in normal) == [State.SENT, State.SENT, State.SUPPRESSED]
    critical = [due(of=member, event=EventFactory(severity=Severity.CRITICAL)) for _ in range(2)]
    fire("pushlike")
    assert sorted(state(one) for one in critical) == [State.SENT, State.SUPPRESSED]


def test_a_provider_s_rate_holds_across_workers(slow: OneASecond) -> None:
    for _ in range(3):
        due(kind="slowlike")
    assert fire("slowlike").tried == 1
    assert fire("slowlike").tried == 0
    assert len(slow.sent) == 1


def test_a_defect_of_a_channel_loses_nothing(push: PushLike) -> None:
    broken = due("fault")
    with pytest.raises(RuntimeError):
        fire("pushlike")
    assert state(broken) == State.PENDING
    Target.objects.update(address="ok")
    Delivery.objects.update(next_attempt_at=now())
    fire("pushlike")
    assert (state(broken), len(push.sent)) == (State.SENT, 1)


def expire_leases() -> None:
    Delivery.objects.exclude(lease_until=None).update(lease_until=now() - MINUTE)


def test_an_unknown_end_of_a_push_is_sent_again_under_the_same_tag(push: PushLike) -> None:
    due("silent")
    fire("pushlike")
    Delivery.objects.update(next_attempt_at=now())
    fire("pushlike")
    assert len({message.tag for message in push.sent}) == 1
    assert len({message.process_id for message in push.sent}) == 2


def test_an_unknown_end_of_a_call_is_asked_about_and_never_dialled_again(call: CallLike) -> None:
    delivery = due("silent", kind="calllike")
    fire("calllike")
    assert state(delivery) == State.SENDING
    call.answers["silent"] = Outcome.ACCEPTED
    expire_leases()
    recover_leases()
    assert state(delivery) == State.SENT
    assert (len(call.sent), len(call.asked)) == (1, 1)


def test_a_call_that_the_provider_never_took_is_dialled(call: CallLike) -> None:
    delivery = due("silent", kind="calllike")
    fire("calllike")
    call.answers["silent"] = Outcome.RETRY
    expire_leases()
    recover_leases()
    assert state(delivery) == State.PENDING


def test_as_long_as_the_provider_does_not_know_nothing_is_dialled(call: CallLike) -> None:
    delivery = due("silent", kind="calllike")
    fire("calllike")
    expire_leases()
    recover_leases()
    assert state(delivery) == State.SENDING
    fire("calllike")
    assert len(call.sent) == 1


def test_a_late_worker_changes_nothing(push: PushLike) -> None:

    delivery = due()
    (late,), _more = claim(push, 10)
    expire_leases()
    recover_leases()
    Delivery.objects.update(next_attempt_at=now())
    fire("pushlike")
    record(push, [(late, SendResult(late.message, Outcome.REJECTED, reason="late"))])
    assert state(delivery) == State.SENT


def test_a_provider_that_stays_silent_is_asked_what_became_of_a_call(call: CallLike) -> None:
    delivery = due(kind="calllike")
    following = due(event=delivery.event, registration=delivery.registration, due_at=now() + 8 * MINUTE)
    fire("calllike")
    assert state(delivery) == State.SENT
    call.answers["ok"] = Outcome.REJECTED
    expire_leases()
    recover_leases()
    assert state(delivery) == State.UNDELIVERED
    following.refresh_from_db()
    assert following.next_attempt_at <= now()


def test_a_queued_call_about_a_canceled_event_is_taken_back(call: CallLike) -> None:
    delivery = due(kind="calllike")
    fire("calllike")
    take_back()
    assert state(delivery) == State.SENT
    delivery.event.canceled_at = now()
    delivery.event.save()
    assert take_back() == 1
    assert state(delivery) == State.CANCELED
    assert call.canceled == ["id-1"]


def test_one_kind_is_not_sent_by_more_than_a_few_threads() -> None:

    due()
    for _ in range(deliver.AT_ONCE):
        deliver._slots["pushlike"].acquire()
    try:
        assert fire("pushlike").tried == 0
    finally:
        for _ in range(deliver.AT_ONCE):
            deliver._slots["pushlike"].release()
    assert fire("pushlike").tried == 1


def test_members_are_told_in_their_own_language_and_zone(push: PushLike) -> None:
    member = MemberFactory(time_zone="Asia/Tokyo")
    event = EventFactory(location="Room 1")
    due(of=member, event=event, registration=RegistrationFactory(member=member))
    fire("pushlike")

    assert f"{event.starts_at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}" in push.sent[0].body
    assert "in 10 minutes" in push.sent[0].body
    assert "Room 1" in push.sent[0].body


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "America", "../etc"])
def test_a_member_whose_zone_is_unknown_is_told_in_utc_and_holds_up_no_other(
    push: PushLike, name: str
) -> None:
    stranger = MemberFactory(
        time_zone=name, daily_cap=10, quiet_from=time(0), quiet_until=time(0), critical_reserve=0
    )
    deliveries = [due(of=stranger), due()]
    fire("pushlike")
    assert [state(one) for one in deliveries] == [State.SENT, State.SENT]
    assert str(stranger.zone) == "UTC"


def test_a_member_whose_language_is_unknown_holds_up_no_other() -> None:
    deliveries = [due(of=MemberFactory(language=one)) for one in ("", "xx", "zz-quatsch", "de")]
    fire("pushlike")
    assert {state(one) for one in deliveries} == {State.SENT}


def test_a_rate_goes_on_though_the_clock_was_far_ahead(slow: OneASecond) -> None:
    due(kind="slowlike")
    RateLimit.objects.create(kind="slowlike", tokens=0, counted_at=now() + timedelta(days=1))
    assert fire("slowlike").tried == 0
    RateLimit.objects.update(counted_at=F("counted_at") - timedelta(seconds=1))
    assert fire("slowlike").tried == 1
    assert len(slow.sent) == 1


@pytest.mark.parametrize("wish", [timedelta(days=36_500), timedelta.max])
def test_a_provider_that_wants_to_be_left_alone_for_ever_is_asked_again(wish: timedelta) -> None:
    instant = now()
    assert next_try(1, instant, instant + timedelta(days=1), wish) == instant + timedelta(hours=1)


def test_many_that_no_worker_came_back_to_take_as_many_queries_as_few(
    push: PushLike, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        due()
    claim(push, 100)
    expire_leases()
    with django_assert_max_num_queries(36):
        assert recover_leases() == 30
