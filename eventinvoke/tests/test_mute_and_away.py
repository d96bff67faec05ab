"""What falls in a mute is held back, and who is away is passed over."""

from typing import Any

import pytest

from common import channels
from common.channels import Severity
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Held
from eventinvoke.planning.periods import notes_on
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.factories import EventFactory
from eventinvoke.tests.muting import HOUR, MINUTE, due, observe, outcome, period, runner
from eventinvoke.tests.stand_ins import PushLike
from registration.membership import add_inbox
from registration.tests.factories import (
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db


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


def test_the_inbox_is_not_held_back(settings: Any) -> None:
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
    assert outcome(again)[0] == State.PENDING, "another contact method of Ann's would not reach her either"
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


def test_who_is_away_last_in_a_plan_is_passed_over_when_another_was_there(push: PushLike) -> None:
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


def test_a_member_whose_account_is_switched_off_is_not_passed_on_to(push: PushLike) -> None:
    ann, bob = MemberFactory(), MemberFactory()
    _one, (first, second) = plan(ann, bob)
    bob.user.is_active = False
    bob.user.save()
    away(ann)
    fire("pushlike")
    assert [outcome(one)[0] for one in (first, second)] == [State.SENT, State.PENDING]


def test_what_is_coming_knows_that_the_last_step_is_carried_out_when_all_are_away() -> None:
    ann, bob = MemberFactory(), MemberFactory()
    _one, (first, second) = plan(ann, bob)
    away(ann)
    assert notes_on([first, second], now()).keys() == {first.pk}
    away(bob)
    assert notes_on([first, second], now()).keys() == {first.pk}
    assert notes_on([second], now()) == {}
