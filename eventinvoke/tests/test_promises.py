"""The engine's promises, a story for each way in which they were broken."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from common.channels import Outcome
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Event, Held, Share, Unplanned
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.planning.replan import follow_changes
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.leases import recover_leases, take_back
from eventinvoke.tests.muting import START
from eventinvoke.tests.stand_ins import CallLike, PushLike
from registration.models import Member, Registration, Step, Target
from registration.models.targets import fingerprint
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Story:
    """A clock, calendars given to every member, and people with a phone and a browser each."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.calendar = CalendarFactory(owner=None)
        self.start = START + HOUR

    def person(self, name: str, **columns: Any) -> Member:
        member: Member = MemberFactory(name=name, **columns)
        for kind in ("pushlike", "calllike"):
            TargetFactory(member=member, kind=kind, address=f"{kind} of {name}", shown=f"{kind} of {name}")
        return member

    def plan(self, member: Member, *steps: tuple[Target, int], **columns: Any) -> Registration:
        one: Registration = RegistrationFactory(member=member, **columns)
        for target, minutes in steps:
            StepFactory(registration=one, target=target, offset=minutes * MINUTE)
        Registration.objects.filter(pk=one.pk).changed()
        follow_changes(60)
        return one

    def publish(self, starts_at: datetime | None = None, name: str = "1", **columns: Any) -> None:
        source = columns.pop("source", self.calendar.source)
        publish([EventDraft(source, name, "PFS telecon", starts_at or self.start, **columns)])

    def at(self, minutes: float) -> None:
        """Go to so many minutes after the start (before it: negative), and send what is due."""
        self.clock.move_to(self.start + minutes * MINUTE)
        self.fire()

    def fire(self) -> None:
        fire("pushlike")
        fire("calllike")

    def row(self, target: Target, **columns: Any) -> Delivery:
        return Delivery.objects.select_related("event", "member", "target").get(target=target, **columns)


def push_of(member: Member) -> Target:
    return Target.objects.get(member=member, kind="pushlike")


def phone_of(member: Member) -> Target:
    return Target.objects.get(member=member, kind="calllike")


@pytest.fixture
def story(clock: Any, push: PushLike, call: CallLike) -> Story:
    return Story(clock)


def rung(call: CallLike) -> list[str]:
    return [message.address.removeprefix("calllike of ") for message in call.sent]


class TestAnAnswerIsAboutWhatWasTold:
    """Invariant 3."""

    def test_an_acknowledgement_on_a_stale_page_counts_for_the_time_that_it_showed(
        self, story: Story, call: CallLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10), (phone_of(alice), -2))
        story.publish()
        story.at(-10)
        told = story.row(push_of(alice))
        story.publish(story.start + 4 * HOUR)
        answers.acknowledge(told, "inbox", starts_at=story.start)
        assert Answer.objects.get().starts_at == story.start
        assert story.row(phone_of(alice)).state == State.PENDING

    def test_an_acknowledgement_of_the_time_that_the_page_shows_counts_for_it(self, story: Story) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10), (phone_of(alice), -2))
        story.publish()
        story.at(-10)
        told = story.row(push_of(alice))
        story.publish(story.start + 4 * HOUR)
        told.refresh_from_db()
        answers.acknowledge(told, "inbox", starts_at=story.start + 4 * HOUR)
        assert story.row(phone_of(alice)).state == State.CANCELED

    def test_each_attempt_carries_the_start_that_it_told(self, story: Story) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        assert Attempt.objects.get().starts_at == story.start


class TestPlansThatShareADelivery:
    """Invariant 4."""

    def shared(self, story: Story) -> tuple[Member, Member, Registration, Registration]:
        alice, bob = story.person("Alice"), story.person("Bob")
        catch_all = story.plan(alice, (push_of(alice), -10))
        team = story.plan(alice, (push_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        assert Delivery.objects.filter(target=push_of(alice)).count() == 1
        return alice, bob, catch_all, team

    def test_an_acknowledgement_settles_every_plan_that_told_the_member(self, story: Story) -> None:
        alice, bob, _catch_all, _team = self.shared(story)
        story.at(-10)
        answers.acknowledge(story.row(push_of(alice)), "push")
        assert story.row(phone_of(bob)).state == State.CANCELED

    def test_a_miss_advances_every_plan_that_contains_the_step(self, story: Story, call: CallLike) -> None:
        alice, _bob, _catch_all, _team = self.shared(story)
        Target.objects.filter(pk=push_of(alice).pk).update(address="no")
        story.at(-10)
        story.fire()
        assert rung(call) == ["Bob"]

    def test_pass_on_asks_the_next_person_of_any_plan(self, story: Story, call: CallLike) -> None:
        alice, bob, _catch_all, _team = self.shared(story)
        story.at(-10)
        assert answers.pass_on(story.row(push_of(alice)), "push") == bob
        story.fire()
        assert rung(call) == ["Bob"]

    @pytest.mark.parametrize("gone", ["first", "second"])
    def test_a_plan_that_goes_leaves_the_delivery_to_the_other(self, story: Story, gone: str) -> None:
        alice, _bob, catch_all, team = self.shared(story)
        leaving, staying = (catch_all, team) if gone == "first" else (team, catch_all)
        Registration.objects.filter(pk=leaving.pk).changed(is_active=False)
        follow_changes(60)
        row = story.row(push_of(alice))
        assert (row.state, row.registration_id) == (State.PENDING, staying.pk)
        assert not Share.objects.exists()

    def test_a_registration_that_was_deleted_leaves_the_delivery_to_the_other(
        self, story: Story, push: PushLike
    ) -> None:
        alice, _bob, catch_all, team = self.shared(story)
        catch_all.delete()
        story.at(-10)
        story.fire()
        assert len(push.sent) == 1
        assert story.row(push_of(alice)).registration_id == team.pk

    def test_a_plan_that_skips_who_is_away_does_not_silence_one_that_does_not(
        self, story: Story, call: CallLike
    ) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        story.plan(alice, (phone_of(alice), -5), (phone_of(bob), 5), skips_away=True)
        story.plan(alice, (phone_of(alice), -5))
        away = RegistrationFactory(member=alice, action=Registration.Action.AWAY, pattern="holiday")
        publish([EventDraft(story.calendar.source, "h", "holiday", START - HOUR, START + 5 * HOUR)])
        Registration.objects.filter(pk=away.pk).changed()
        follow_changes(60)
        story.publish()
        story.at(-5)
        story.fire()
        assert rung(call) == ["Alice", "Bob"]

    def test_a_late_step_does_not_depend_on_another_plan(self, story: Story, call: CallLike) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        story.plan(alice, (phone_of(alice), -30))
        story.plan(bob, (phone_of(alice), 5))
        story.clock.move_to(story.start - 20 * MINUTE)
        story.publish()
        story.fire()
        assert rung(call) == ["Alice"]

    def test_an_acknowledgement_closes_the_other_open_notices_of_the_member(self, story: Story) -> None:
        alice = story.person("Alice")
        other = TargetFactory(member=alice, kind="pushlike", address="second browser")
        story.plan(
            alice, (Target.objects.get(fingerprint=fingerprint("pushlike of Alice")), -10), (other, -10)
        )
        story.publish()
        story.at(-10)
        first, second = Delivery.objects.select_related("event", "member").order_by("target")
        answers.acknowledge(first, "push")
        second.refresh_from_db()
        assert (second.target_id, second.state) == (other.pk, State.ACKNOWLEDGED)


class TestAMissAdvancesThePlan:
    """Invariant 5."""

    def people(self, story: Story, **alice: Any) -> tuple[Member, Member]:
        return story.person("Alice", **alice), story.person("Bob")

    def test_quiet_hours(self, story: Story, call: CallLike) -> None:
        quiet = {"quiet_from": (START - HOUR).time(), "quiet_until": (START + 5 * HOUR).time()}
        alice, bob = self.people(story, **quiet)
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        story.fire()
        assert rung(call) == ["Bob"]

    def test_quiet_hours_wait_for_a_later_step_of_the_same_member(self, story: Story, call: CallLike) -> None:
        quiet = {"quiet_from": (START - HOUR).time(), "quiet_until": (START + 55 * MINUTE).time()}
        alice, bob = self.people(story, **quiet)
        story.plan(alice, (phone_of(alice), -10), (push_of(alice), -4), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        story.fire()
        assert rung(call) == []
        story.at(-4)
        assert story.row(push_of(alice)).state == State.SENT

    def test_the_daily_limit(self, story: Story, call: CallLike) -> None:
        alice, bob = self.people(story, daily_cap=0, critical_reserve=0)
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        story.fire()
        assert rung(call) == ["Bob"]

    def test_our_own_misconfiguration_is_tried_again_and_advances_at_once(
        self, story: Story, call: CallLike
    ) -> None:
        alice, bob = self.people(story)
        boss = story.person("Boss")
        boss.user.is_staff = True
        boss.user.save()
        Target.objects.filter(pk=phone_of(alice).pk).update(address="wrong")
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        story.fire()
        assert "Bob" in rung(call)
        assert story.row(phone_of(alice)).state == State.PENDING
        told = Delivery.objects.get(member=boss, origin=Delivery.Origin.DIRECT)
        assert "refuses our settings" in told.event.title

    def test_a_deleted_target(self, story: Story, call: CallLike) -> None:
        alice, bob = self.people(story)
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        Target.objects.filter(pk=phone_of(alice).pk).delete()
        story.at(-10)
        story.fire()
        assert rung(call) == ["Bob"]

    def test_a_push_without_a_receipt(self, story: Story, call: CallLike) -> None:
        alice, bob = self.people(story)
        story.plan(alice, (push_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        assert story.row(push_of(alice)).state == State.SENT
        story.clock.shift(2 * MINUTE)
        recover_leases()
        story.fire()
        assert story.row(push_of(alice)).state == State.UNDELIVERED
        assert rung(call) == ["Bob"]

    def test_a_step_brought_forward_into_quiet_hours_advances_again(
        self, story: Story, call: CallLike
    ) -> None:
        quiet = {"quiet_from": (START - HOUR).time(), "quiet_until": (START + 5 * HOUR).time()}
        alice, bob, carol = story.person("Alice"), story.person("Bob", **quiet), story.person("Carol")
        Target.objects.filter(pk=push_of(alice).pk).update(address="no")
        story.plan(alice, (push_of(alice), -10), (phone_of(bob), -5), (phone_of(carol), -2))
        story.publish()
        story.at(-10)
        story.fire()
        story.fire()
        assert rung(call) == ["Carol"]

    def test_pass_on_names_a_person_who_is_really_told(self, story: Story, call: CallLike) -> None:
        quiet = {"quiet_from": (START - HOUR).time(), "quiet_until": (START + 5 * HOUR).time()}
        alice, bob, carol = story.person("Alice"), story.person("Bob", **quiet), story.person("Carol")
        story.plan(alice, (push_of(alice), -10), (phone_of(bob), -5), (phone_of(carol), -2))
        story.publish()
        story.at(-10)
        assert answers.pass_on(story.row(push_of(alice)), "push") == carol
        story.fire()
        assert rung(call) == ["Carol"]

    def test_a_snooze_into_quiet_hours_happens_as_promised(self, story: Story, push: PushLike) -> None:
        quiet = {"quiet_from": (START + 52 * MINUTE).time(), "quiet_until": (START + 5 * HOUR).time()}
        alice = story.person("Alice", **quiet)
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        at = answers.snooze(story.row(push_of(alice)), "push")
        assert at == story.start - 5 * MINUTE
        story.at(-5)
        assert len(push.sent) == 2

    def test_a_snooze_after_a_colleague_acknowledged_is_refused(self, story: Story) -> None:
        alice, bob = self.people(story)
        story.plan(alice, (push_of(alice), -10), (push_of(bob), -9))
        story.publish()
        story.at(-10)
        story.at(-9)
        answers.acknowledge(story.row(push_of(bob)), "push")
        assert answers.snooze(story.row(push_of(alice)), "push") is None

    def test_a_second_snooze_after_the_first_has_passed_promises_a_time_to_come(self, story: Story) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -30))
        story.publish()
        story.at(-30)
        told = story.row(push_of(alice), origin="plan")
        first = answers.snooze(told, "push")
        story.at(-20)
        second = answers.snooze(told, "push")
        assert (first, second) == (story.start - 25 * MINUTE, story.start - 15 * MINUTE)

    def test_a_snooze_until_the_start(self, story: Story) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -30))
        story.publish()
        story.at(-30)
        assert answers.snooze(story.row(push_of(alice)), "push", None) == story.start

    def test_an_unanswered_call_is_dialed_again_where_the_plan_has_nothing_else(
        self, story: Story, call: CallLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -10))
        story.publish()
        story.at(-10)
        for _time in range(2):
            attempt = Attempt.objects.order_by("-started_at").first()
            assert attempt is not None
            apply(
                Report(
                    attempt.pk,
                    "busy",
                    f"f{attempt.pk.hex}",
                    State.UNDELIVERED,
                    may_redial=True,
                    kind=attempt.delivery.kind,
                )
            )
            story.clock.shift(3 * MINUTE)
            story.fire()
        assert rung(call) == ["Alice", "Alice"]

    @pytest.mark.parametrize("is_accepted", [True, False])
    @pytest.mark.parametrize("may_redial", [True, False])
    def test_a_call_whose_end_is_learned_by_asking_counts_as_if_its_report_had_come(
        self, story: Story, call: CallLike, *, is_accepted: bool, may_redial: bool
    ) -> None:
        alice = story.person("Alice")
        phone = phone_of(alice)
        Target.objects.filter(pk=phone.pk).update(address="silent")
        story.plan(alice, (phone, -10))
        story.publish()
        story.at(-10)
        attempt = Attempt.objects.get()
        if is_accepted:
            apply(
                Report(
                    attempt.pk,
                    "ringing",
                    f"f{attempt.pk.hex}",
                    State.SENT,
                    provider_id="CA1",
                    kind=attempt.delivery.kind,
                )
            )
        call.answers["silent"], call.may_redial = Outcome.UNDELIVERED, may_redial
        story.clock.shift(5 * MINUTE)
        recover_leases()
        row = story.row(phone, origin="plan")
        assert (row.state, row.reason) == (State.UNDELIVERED, "asked")
        story.clock.shift(3 * MINUTE)
        story.fire()
        assert len(call.sent) == 1 + may_redial


class TestFactsCommute:
    """Invariant 6."""

    FACTS: tuple[tuple[str, State | None], ...] = (
        ("ringing", State.SENT),
        ("completed", State.UNDELIVERED),
        ("human", State.DELIVERED),
        ("taken", None),
    )

    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_every_order_of_the_same_facts_ends_in_one_state(
        self, story: Story, order: tuple[int, ...]
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -10))
        story.publish()
        story.at(-10)
        attempt = Attempt.objects.get()
        for number in order:
            status, means = self.FACTS[number]
            apply(Report(attempt.pk, status, status, means, sequence=number, kind=attempt.delivery.kind))
        assert story.row(phone_of(alice), origin="plan").state == State.DELIVERED

    def test_a_push_that_was_shown_while_it_waits_for_its_retry_is_not_pushed_again(
        self, story: Story, push: PushLike
    ) -> None:
        alice = story.person("Alice")
        Target.objects.filter(pk=push_of(alice).pk).update(address="silent")
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        row = story.row(push_of(alice))
        assert row.state == State.PENDING
        attempt = Attempt.objects.get()
        apply(Report(attempt.pk, "shown", "shown", State.DELIVERED, kind=attempt.delivery.kind))
        story.at(-5)
        assert story.row(push_of(alice)).state == State.DELIVERED
        assert len(push.sent) == 1

    @pytest.mark.parametrize("condition", list(Step.Condition))
    def test_an_acknowledgement_while_it_waits_for_its_retry_stands_in_the_history(
        self, story: Story, push: PushLike, condition: str
    ) -> None:
        alice = story.person("Alice")
        Target.objects.filter(pk=push_of(alice).pk).update(address="silent")
        one = story.plan(alice, (push_of(alice), -10))
        one.steps.update(condition=condition)
        story.publish()
        story.at(-10)
        answers.acknowledge(story.row(push_of(alice)), "push")
        story.at(-5)
        assert story.row(push_of(alice)).state == State.ACKNOWLEDGED
        assert len(push.sent) == 1


class TestTheRecordOutlivesItsSubjects:
    """Invariant 7."""

    def test_deleting_a_phone_keeps_the_acknowledgement_that_was_given_by_it(
        self, story: Story, call: CallLike
    ) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.at(-10)
        answers.acknowledge(story.row(phone_of(alice)), "key")
        Target.objects.filter(kind="calllike", member=alice).delete()
        Registration.objects.changed()
        follow_changes(60)
        story.at(-2)
        assert rung(call) == ["Alice"]
        row = Delivery.objects.get(state=State.ACKNOWLEDGED)
        assert (row.recipient, row.shown) == ("Alice", "calllike of Alice")

    @pytest.mark.parametrize("how", ["disabled", "deleted", "account off", "member deleted"])
    def test_a_queued_call_is_taken_back(self, story: Story, call: CallLike, how: str) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        story.plan(bob, (phone_of(alice), -10))
        story.publish()
        story.at(-10)
        phone = phone_of(alice)
        if how == "disabled":
            Target.objects.filter(pk=phone.pk).disable("")
        elif how == "deleted":
            phone.delete()
        elif how == "account off":
            alice.user.is_active = False
            alice.user.save()
        else:
            alice.user.delete()
        assert take_back() == 1
        row = Delivery.objects.get(kind="calllike")
        assert (row.state, row.recipient, Attempt.objects.count()) == (State.CANCELED, "Alice", 1)


class TestToldTooOftenOrNotOfTheChange:
    """Invariants 2 and 10."""

    def test_overdue_steps_collapse_into_one(self, story: Story, call: CallLike) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -30), (phone_of(alice), -20), (phone_of(alice), -10))
        story.publish()
        story.at(-5)
        story.fire()
        assert rung(call) == ["Alice"]
        assert story.row(phone_of(alice), state=State.SENT).due_at == story.start - 10 * MINUTE

    def test_a_call_before_an_event_of_five_days_does_not_ring_on_its_third(
        self, story: Story, call: CallLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -10))
        story.publish(ends_at=story.start + 120 * HOUR)
        story.at(3 * 24 * 60)
        assert rung(call) == []
        assert story.row(phone_of(alice)).state == State.EXPIRED

    @pytest.mark.parametrize("minutes", [-15, -12, -11])
    def test_editing_the_offset_of_a_step_that_was_carried_out_does_not_tell_again(
        self, story: Story, call: CallLike, minutes: int
    ) -> None:
        alice = story.person("Alice")
        one = story.plan(alice, (phone_of(alice), -10))
        story.publish()
        story.at(-10)
        one.steps.update(offset=minutes * MINUTE)
        Registration.objects.changed()
        follow_changes(60)
        story.fire()
        story.at(-2)
        assert rung(call) == ["Alice"]

    def test_a_move_by_a_minute_after_an_acknowledgement_does_not_ring_at_once(
        self, story: Story, call: CallLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -10))
        story.publish()
        story.at(-10)
        answers.acknowledge(story.row(phone_of(alice)), "key")
        story.publish(story.start + MINUTE)
        story.fire()
        story.at(-5)
        assert rung(call) == ["Alice"]
        assert Delivery.objects.get(origin="change").kind == "inbox"

    def test_the_same_meeting_in_two_calendars_rings_once(self, story: Story, call: CallLike) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        other = CalendarFactory(owner=None)
        story.plan(alice, (phone_of(alice), -10), (phone_of(bob), -2))
        story.publish()
        story.publish(source=other.source, name="other")
        story.at(-10)
        story.fire()
        assert rung(call) == ["Alice"]
        answers.acknowledge(story.row(phone_of(alice), state=State.SENT), "key")
        story.at(-2)
        assert rung(call) == ["Alice"]

    def test_a_member_who_was_told_is_told_of_the_cancellation(self, story: Story, push: PushLike) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        story.clock.shift(5 * MINUTE)
        withdraw(story.calendar.source, ["1"])
        story.fire()
        assert [message.title for message in push.sent] == ["PFS telecon", "Canceled: PFS telecon"]

    def test_a_member_who_was_told_is_told_of_the_move_once(self, story: Story, push: PushLike) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        story.clock.shift(5 * MINUTE)
        story.publish(story.start + HOUR)
        story.fire()
        story.publish(story.start + HOUR, description="The same, with a description")
        story.fire()
        assert [message.title for message in push.sent] == ["PFS telecon", "Changed: PFS telecon"]
        story.at(50)
        assert len(push.sent) == 3

    def test_an_event_that_returns_before_the_notice_went_out_is_not_told_of(
        self, story: Story, push: PushLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        story.publish(story.start + HOUR)
        story.publish()
        story.fire()
        assert len(push.sent) == 1

    def test_what_quiet_hours_held_back_is_listed_in_a_digest(self, story: Story, push: PushLike) -> None:
        quiet = {"quiet_from": (START - HOUR).time(), "quiet_until": (START + 5 * HOUR).time()}
        alice = story.person("Alice", **quiet)
        story.plan(alice, (push_of(alice), -10))
        story.publish()
        story.at(-10)
        assert (push.sent, Held.objects.count()) == ([], 1)
        story.clock.move_to(START + 5 * HOUR)
        assert summarise_due() == 1
        story.fire()
        assert [message.title for message in push.sent] == ["Held back during your quiet hours"]
        assert "PFS telecon" in push.sent[0].body


class TestNothingDueIsLost:
    """Invariant 1."""

    def test_a_row_that_can_t_be_composed_fails_alone(self, story: Story, call: CallLike) -> None:
        alice, bob = story.person("Alice"), story.person("Bob")
        story.plan(alice, (phone_of(alice), -10), text="{organiser}")
        story.plan(bob, (phone_of(bob), -10))
        story.publish()
        Event.objects.update(labels=[1])  # no mapping: the text has no organiser to take from it
        story.at(-10)
        assert rung(call) == ["Bob"]
        assert story.row(phone_of(alice)).state == State.FAILED

    def test_many_attempts_stop_no_channel(self, story: Story, call: CallLike) -> None:
        alice = story.person("Alice")
        story.plan(alice, (phone_of(alice), -10))
        story.publish()
        Delivery.objects.update(attempts=40_000)
        story.at(-10)
        assert Attempt.objects.get().number == 40_001

    def test_a_change_during_the_planning_of_a_registration_is_not_lost(self, story: Story) -> None:
        alice = story.person("Alice")
        one = story.plan(alice, (push_of(alice), -10))
        story.publish()
        Registration.objects.changed(pattern="SpS")
        version = Registration.objects.get().version
        # As if the planner had read the version before: the mark of a later change stays.
        Registration.objects.filter(pk=one.pk, version=version - 1).update(planned_version=version - 1)
        assert not Registration.objects.get().is_planned
        follow_changes(60)
        assert not Delivery.objects.pending().exists()

    def test_a_target_that_is_deleted_while_its_registration_is_planned_loses_no_other_step(
        self, story: Story, push: PushLike
    ) -> None:
        alice = story.person("Alice")
        story.plan(alice, (push_of(alice), -10), (phone_of(alice), -10))
        story.publish()
        phone_of(alice).delete()
        Registration.objects.changed()
        follow_changes(60)
        story.at(-10)
        assert len(push.sent) == 1


def test_a_publication_that_is_not_planned_is_taken_up_by_the_next_wake_up(
    story: Story,
) -> None:
    alice = story.person("Alice")
    story.plan(alice, (push_of(alice), -10))
    story.publish()
    Delivery.objects.all().delete()
    event = Event.objects.get()
    Unplanned.objects.create(
        event=event, version=event.version
    )  # as a crash leaves it between the two transactions
    assert follow_changes(60) == 1
    assert story.row(push_of(alice)).state == State.PENDING
