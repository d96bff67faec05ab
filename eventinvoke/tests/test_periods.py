"""Periods follow the events as deliveries do; what falls in one is held back or passed over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common import channels
from common.channels import Severity
from common.clock import now
from common.states import State
from eventinvoke.changes import follow_changes
from eventinvoke.deliver import fire
from eventinvoke.models import Delivery, Event, Held, Period
from eventinvoke.periods import notes_on
from eventinvoke.publish import EventDraft, publish, withdraw
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.stand_ins import PushLike
from registration.membership import add_inbox
from registration.models import Registration
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def runner(action: str = "mute", **values: Any) -> Any:
    """A registration that mutes, or makes away, while "observing" in the member's calendar runs."""
    member = values.pop("member", None) or MemberFactory()
    calendar = values.pop("calendar", None) or CalendarFactory(owner=member)
    return RegistrationFactory(
        member=member, calendar=calendar, action=action, name="Observing", pattern="observing", **values
    )


def observe(one: Any, starts_at: datetime, ends_at: datetime | None = None, **values: Any) -> None:
    values.setdefault("title", "Observing run")
    values.setdefault("external_id", "1")
    publish([EventDraft(source=one.calendar.source, starts_at=starts_at, ends_at=ends_at, **values)])


def period() -> tuple[datetime, datetime]:
    found: tuple[datetime, datetime] = Period.objects.values_list("starts_at", "ends_at").get()
    return found


def due(member: Any, kind: str = "pushlike", **values: Any) -> Delivery:
    target = values.pop("target", None) or TargetFactory(
        member=member, kind=kind, address="ok", fingerprint=kind
    )
    delivery: Delivery = DeliveryFactory(target=target, **values)
    return delivery


def outcome(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def test_a_matching_event_makes_a_period_and_no_delivery() -> None:
    one = runner()
    StepFactory(registration=one)
    starts_at = now() + HOUR
    observe(one, starts_at, starts_at + 3 * HOUR)
    assert period() == (starts_at, starts_at + 3 * HOUR)
    assert not Delivery.objects.exists()


def test_an_event_without_an_end_runs_for_an_hour() -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    assert period() == (starts_at, starts_at + HOUR)


@time_machine.travel(datetime(2026, 10, 20, 12, tzinfo=UTC), tick=False)
def test_days_run_from_midnight_to_midnight_of_the_member_s_clocks() -> None:
    one = runner(member=MemberFactory(time_zone="Europe/Berlin"))
    # The clock is put back on 25 October.
    starts_at = datetime(2026, 10, 24, tzinfo=UTC)
    observe(one, starts_at, starts_at + 2 * 24 * HOUR, is_all_day=True, starts_on=starts_at.date())
    assert period() == (datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))


def test_a_period_moves_and_goes_with_its_event() -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    observe(one, starts_at + HOUR)
    assert period() == (starts_at + HOUR, starts_at + 2 * HOUR)
    withdraw(one.calendar.source, ["1"])
    assert not Period.objects.exists()


def test_publishing_again_writes_no_period(django_assert_max_num_queries: Any) -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    with django_assert_max_num_queries(4):
        observe(one, starts_at)


def test_a_new_registration_takes_effect_on_what_runs_already_and_ends_with_it() -> None:
    one = runner(is_active=False)
    starts_at = now() - HOUR
    observe(one, starts_at, starts_at + 3 * HOUR)
    assert not Period.objects.exists()
    Registration.objects.update(is_active=True, is_planned=False)
    follow_changes()
    assert period() == (starts_at, starts_at + 3 * HOUR)
    Registration.objects.update(is_active=False, is_planned=False)
    follow_changes()
    assert period()[1] <= now(), "it has begun, so it ends and is not forgotten"


def test_one_that_is_told_of_instead_has_no_period() -> None:
    one = runner()
    StepFactory(registration=one)
    observe(one, now() + HOUR)
    Registration.objects.update(action=Registration.Action.NOTIFY, is_planned=False)
    follow_changes()
    assert not Period.objects.exists()
    assert Delivery.objects.count() == 1


def test_what_falls_in_a_mute_is_held_back_and_kept_for_the_summary(push: PushLike) -> None:
    one = runner()
    observe(one, now() - HOUR, now() + HOUR)
    delivery = due(one.member)
    fire("pushlike")
    assert outcome(delivery) == (State.SUPPRESSED, "Held back while “Observing run” ran.")
    assert push.sent == []
    held = Held.objects.get()
    assert (held.delivery_id, held.registration_id, held.until) == (delivery.pk, one.pk, period()[1])


@pytest.mark.parametrize(
    ("muted", "source", "state"),
    [
        ([], "system", State.SUPPRESSED),
        (["system"], "system", State.SUPPRESSED),
        (["monitor"], "system", State.SENT),
    ],
)
def test_only_the_chosen_sources_are_held_back(
    push: PushLike, muted: list[str], source: str, state: State
) -> None:
    one = runner(muted_sources=muted)
    observe(one, now() - HOUR, now() + HOUR)
    delivery = due(one.member, event=EventFactory(source=source))
    fire("pushlike")
    assert (outcome(delivery)[0], len(push.sent)) == (state, int(state == State.SENT))


def test_what_is_critical_goes_out_all_the_same(push: PushLike) -> None:
    one = runner()
    observe(one, now() - HOUR, now() + HOUR)
    due(one.member, event=EventFactory(severity=Severity.CRITICAL))
    fire("pushlike")
    assert len(push.sent) == 1


def test_the_mute_of_another_or_of_another_time_holds_nothing_back(push: PushLike) -> None:
    one = runner()
    observe(one, now() + HOUR)
    observe(one, now() - 3 * HOUR, now() - 2 * HOUR, external_id="2")
    other = runner()
    observe(other, now() - HOUR, now() + HOUR)
    due(one.member)
    fire("pushlike")
    assert len(push.sent) == 1


def test_the_inbox_disturbs_nobody_and_is_not_held_back(settings: Any) -> None:
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    one = runner()
    observe(one, now() - HOUR, now() + HOUR)
    delivery = due(one.member, target=add_inbox(one.member))
    fire("inbox")
    assert outcome(delivery)[0] == State.SENT


def test_a_batch_with_mutes_takes_one_query_more(push: PushLike, django_assert_max_num_queries: Any) -> None:
    members = [runner() for _ in range(5)]
    for one in members:
        observe(one, now() - HOUR, now() + HOUR)
        due(one.member)
    with django_assert_max_num_queries(25):
        fire("pushlike")
    assert Held.objects.count() == 5
    assert push.sent == []


def plan(*members: Any, skips_away: bool = True) -> tuple[Any, list[Delivery]]:
    """A plan that tells one member after another, the first of them now."""
    one = RegistrationFactory(member=members[0], skips_away=skips_away)
    event = EventFactory(severity=Severity.CRITICAL, starts_at=now() + 10 * MINUTE)
    deliveries = []
    for place, member in enumerate(members):
        target = TargetFactory(member=member, kind="pushlike", address="ok", fingerprint=str(place))
        step = StepFactory(registration=one, target=target, offset=(place - 10) * MINUTE)
        deliveries.append(
            due(
                member,
                target=target,
                step=step,
                registration=one,
                event=event,
                due_at=event.starts_at + step.offset,
            )
        )
    return one, deliveries


def away(member: Any) -> None:
    observe(runner("away", member=member), now() - HOUR, now() + HOUR)


def test_who_is_away_is_passed_over_and_the_next_person_told_at_once(push: PushLike) -> None:
    ann, bob = MemberFactory(name="Ann"), MemberFactory()
    _one, (first, again, second) = plan(ann, ann, bob)
    away(ann)
    fire("pushlike")
    assert outcome(first) == (State.SUPPRESSED, "Ann is away.")
    fire("pushlike")
    assert outcome(second)[0] == State.SENT
    assert outcome(again)[0] == State.PENDING, "another way to Ann would reach nobody either"
    assert len(push.sent) == 1


def test_a_plan_that_does_not_skip_tells_who_is_away(push: PushLike) -> None:
    ann = MemberFactory()
    plan(ann, MemberFactory(), skips_away=False)
    away(ann)
    fire("pushlike")
    assert len(push.sent) == 1


def test_a_mute_does_not_make_away(push: PushLike) -> None:
    ann = MemberFactory()
    plan(ann, MemberFactory())
    observe(runner(member=ann), now() - HOUR, now() + HOUR)
    fire("pushlike")
    assert len(push.sent) == 1, "it is critical"


def test_when_all_are_away_the_last_one_is_told(push: PushLike) -> None:
    ann, bob = MemberFactory(), MemberFactory()
    _one, (first, second) = plan(ann, bob)
    away(ann)
    away(bob)
    fire("pushlike")
    fire("pushlike")
    assert (outcome(first)[0], outcome(second)[0]) == (State.SUPPRESSED, State.SENT)
    assert len(push.sent) == 1


def test_who_is_away_last_in_a_plan_is_passed_over_when_somebody_was_there(push: PushLike) -> None:
    ann, bob = MemberFactory(), MemberFactory()
    _one, (first, second) = plan(ann, bob)
    away(bob)
    fire("pushlike")
    Delivery.objects.filter(pk=second.pk).update(next_attempt_at=now())
    fire("pushlike")
    assert (outcome(first)[0], outcome(second)[0]) == (State.SENT, State.SUPPRESSED)


def test_all_due_at_once_and_all_away_still_tells_one(push: PushLike) -> None:
    ann, bob = MemberFactory(), MemberFactory()
    plan(ann, bob)
    Delivery.objects.update(next_attempt_at=now())
    away(ann)
    away(bob)
    fire("pushlike")
    assert len(push.sent) == 1


def test_what_is_coming_says_what_will_be_held_back_or_passed_over() -> None:
    ann = MemberFactory(name="Ann")
    observe(runner(member=ann), now() + HOUR, now() + 2 * HOUR)
    observe(runner("away", member=ann), now() + HOUR, now() + 2 * HOUR, title="Observing away")
    at = now() + HOUR + MINUTE
    info = due(ann, due_at=at)
    critical = due(ann, due_at=at, target=info.target, event=EventFactory(severity=Severity.CRITICAL))
    skipping = due(
        ann, due_at=at, target=info.target, registration=RegistrationFactory(member=ann, skips_away=True),
        event=EventFactory(severity=Severity.CRITICAL),
    )  # fmt: skip
    before = due(ann, due_at=now() + MINUTE, target=info.target, event=EventFactory())
    assert notes_on([info, critical, skipping, before], now()) == {
        info.pk: "will be held back: Observing run",
        skipping.pk: "will be passed over, Ann is away: Observing away",
    }


EDITS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["move", "cancel", "retitle"]),
        st.integers(-3, 6),
        st.integers(1, 4),
    ),
    max_size=6,
)


class FollowingEdits(TestCase):
    """Whatever becomes of the events, the periods are what a first reading of the last state gives."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(EDITS)
    def test_any_series_of_edits_gives_the_periods_of_the_last_state(self, edits: Any) -> None:
        instant = now().replace(microsecond=0)
        with time_machine.travel(instant, tick=False):
            one = runner()
            last: dict[str, EventDraft] = {}
            for name, what, start, length in edits:
                starts_at = instant + start * HOUR
                if what == "cancel":
                    withdraw(one.calendar.source, [name])
                    last.pop(name, None)
                    continue
                title = "Lunch" if what == "retitle" else "Observing"
                last[name] = EventDraft(
                    one.calendar.source, name, title, starts_at, starts_at + length * HOUR
                )
                publish([last[name]])
            running = set(
                Period.objects.filter(ends_at__gt=instant).values_list(
                    "event__external_id", "starts_at", "ends_at"
                )
            )
            Event.objects.all().delete()
            publish(last.values())
            anew = set(
                Period.objects.filter(ends_at__gt=instant).values_list(
                    "event__external_id", "starts_at", "ends_at"
                )
            )
            assert running == anew


def test_the_next_person_of_a_plan_is_told_though_the_first_is_muted(push: PushLike) -> None:
    ann = MemberFactory()
    _one, (first, again, second) = plan(ann, ann, MemberFactory(), skips_away=False)
    Delivery.objects.update(severity=Severity.INFO, next_attempt_at=now())
    observe(runner(member=ann), now() - HOUR, now() + HOUR)
    fire("pushlike")
    assert [outcome(one)[0] for one in (first, again, second)] == [
        State.SUPPRESSED,
        State.SUPPRESSED,
        State.SENT,
    ]
