"""After a mute its member is told once of what was held back."""

from typing import Any

import pytest

from common import channels
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Held, Period
from eventinvoke.planning.obsolete import unwanted
from eventinvoke.planning.planner import plan_events
from eventinvoke.planning.publish import withdraw
from eventinvoke.planning.replan import follow_changes
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.tests.factories import EventFactory
from eventinvoke.tests.muting import HOUR, MINUTE, START, due, hold_back, observe, runner, summaries
from eventinvoke.tests.stand_ins import PushLike
from registration.membership import add_inbox
from registration.models import Calendar, Registration
from registration.tests.factories import (
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db


def test_a_summary_comes_when_the_period_ends_and_not_before(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon", "Review")
    assert summarise_due() == 0
    clock.move_to(START + HOUR)
    assert summarise_due() == 1
    (event,) = summaries()
    assert event.title == "Held back during “Observing run”"
    assert event.description == "21 November 2026 10:30 Telecon\n21 November 2026 10:30 Review"
    delivery = event.deliveries.get()
    assert (delivery.member, delivery.kind, delivery.due_at) == (one.member, "inbox", now())
    assert Period.objects.get().summarised_at == now()
    assert not Held.objects.exists()


def test_waking_again_makes_no_second_summary(clock: Any, django_assert_num_queries: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    summarise_due()
    with django_assert_num_queries(1):
        assert summarise_due() == 0
    plan_events([event.pk for event in summaries()])
    assert [event.deliveries.get().state for event in summaries()] == [State.PENDING]


def test_nothing_held_back_is_not_told_of(clock: Any) -> None:
    observe(runner(), START - HOUR, START + HOUR)
    clock.move_to(START + 2 * HOUR)
    assert summarise_due() == 0
    assert summaries() == []


def test_the_plan_of_the_mute_says_where_the_summary_goes(clock: Any, push: PushLike) -> None:
    one = runner()
    target = TargetFactory(member=one.member, kind="pushlike", address="ok")
    StepFactory(registration=one, target=target)
    StepFactory(registration=one, target=target, offset=HOUR)
    StepFactory(registration=one, target=TargetFactory(kind="pushlike", address="ok"))
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    summarise_due()
    fire("pushlike")
    (message,) = push.sent
    assert (message.title, message.body) == (
        "Held back during “Observing run”",
        "21 November 2026 10:30 Telecon",
    )
    assert Delivery.objects.filter(target=target, state=State.SENT).count() == 1


def test_it_is_written_in_the_member_s_language_and_zone(clock: Any) -> None:
    one = runner(member=MemberFactory(language="de", time_zone="Asia/Tokyo"))
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, *(f"Nr. {number}" for number in range(22)))
    clock.move_to(START + HOUR)
    summarise_due()
    (event,) = summaries()
    assert event.title == "Zurückgehalten während „Observing run“"
    lines = event.description.splitlines()
    assert lines[0] == "21. November 2026 19:30 Nr. 0"
    assert (len(lines), lines[-1]) == (21, "und 2 weitere")


def test_several_steps_of_one_event_are_one_line(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    event = EventFactory(title="Telecon")
    for number in range(3):
        target = TargetFactory(member=one.member, kind="pushlike", address="ok", fingerprint=str(number))
        due(one.member, event=event, target=target)
    fire("pushlike")
    clock.move_to(START + HOUR)
    summarise_due()
    assert summaries()[0].description.count("Telecon") == 1


def test_overlapping_periods_have_one_summary_after_the_last(clock: Any) -> None:
    one = runner()
    two = runner(member=one.member, calendar=one.calendar)
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    Registration.objects.filter(pk=two.pk).update(pattern="holiday", planned_version=0)
    follow_changes()
    observe(one, START + 30 * MINUTE, START + 3 * HOUR, external_id="2", title="Holiday")
    clock.move_to(START + 50 * MINUTE)
    hold_back(one, "Review")
    clock.move_to(START + HOUR)
    assert summarise_due() == 0
    clock.move_to(START + 3 * HOUR)
    assert summarise_due() == 1
    (event,) = summaries()
    assert [line.split()[-1] for line in event.description.splitlines()] == ["Telecon", "Review"]
    assert event.title == "Held back during “Holiday”"


def test_what_a_deleted_mute_held_back_is_told_at_once(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    one.delete()
    (event,) = summaries()
    assert (event.title, "Telecon" in event.description) == ("Held back during “Observing”", True)
    assert fire("inbox").tried == 1
    assert summarise_due() == 0


def test_what_a_deleted_mute_held_back_waits_for_another_that_runs(clock: Any) -> None:
    one = runner()
    other = runner(member=one.member, calendar=one.calendar)
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    held_by = Held.objects.get().registration_id
    Registration.objects.filter(pk=held_by or 0).delete()
    assert summaries() == []
    assert Held.objects.get().registration_id in {one.pk, other.pk} - {held_by}
    clock.move_to(START + HOUR)
    assert summarise_due() == 1


def test_a_mute_that_is_deleted_with_its_member_tells_no_one(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    one.member.user.delete()
    assert not Held.objects.exists()
    assert fire("inbox").tried == 0


def test_a_mute_of_other_sources_delays_no_summary(clock: Any) -> None:
    one = runner()
    other = runner(member=one.member, muted_sources=["monitor"])
    observe(one, START - HOUR, START + HOUR)
    observe(other, START - HOUR, START + 9 * HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    assert summarise_due() == 1


@pytest.mark.parametrize("edit", ["cancel", "move", "switch off", "shorten"])
def test_a_mute_that_ends_early_is_summed_up_early(clock: Any, edit: str) -> None:
    one = runner()
    observe(one, START - HOUR, START + 9 * HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + MINUTE)
    if edit == "cancel":
        withdraw(one.calendar.source, ["1"])
    elif edit == "move":
        observe(one, START + 20 * HOUR, START + 21 * HOUR)
    elif edit == "shorten":
        observe(one, START - HOUR, START + MINUTE)
    else:
        Registration.objects.update(is_active=False, planned_version=0)
        follow_changes()
    assert summarise_due() == 1
    assert Delivery.objects.pending().filter(event__source="summary").count() == 1


def test_a_mute_that_lasts_longer_is_summed_up_later(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    observe(one, START - HOUR, START + 2 * HOUR)
    clock.move_to(START + HOUR)
    assert summarise_due() == 0
    clock.move_to(START + 2 * HOUR)
    assert summarise_due() == 1


def test_no_other_member_s_registration_finds_a_summary(clock: Any) -> None:
    spy = RegistrationFactory(source="summary", pattern=".", calendar=None)
    StepFactory(registration=spy)
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    summarise_due()
    assert not Delivery.objects.filter(member=spy.member).exists()


def test_the_inbox_shows_it_as_it_is(clock: Any, settings: Any) -> None:
    one = runner()
    inbox = add_inbox(one.member)
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    summarise_due()
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    fire("inbox")
    assert Delivery.objects.get(target=inbox).state == State.SENT


def test_the_summary_of_a_mute_that_is_off_is_told_all_the_same(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + 9 * HOUR)
    hold_back(one, "Telecon")
    for _ in range(2):
        Registration.objects.update(is_active=False, planned_version=0)
        follow_changes()
        summarise_due()
    told = Delivery.objects.get(event__source="summary")
    assert (told.state, unwanted([told.pk])) == (State.PENDING, {})


def test_what_one_member_missed_is_not_told_to_whose_the_mute_became(clock: Any, push: PushLike) -> None:
    one, other = runner(), MemberFactory()
    old = one.member
    Calendar.objects.update(owner=None)
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Interview")
    Registration.objects.changed(member=other)
    follow_changes()
    assert Period.objects.get().member == other
    assert summarise_due() == 1
    (event,) = summaries()
    assert [delivery.member for delivery in event.deliveries.all()] == [old]
    one.refresh_from_db()
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    summarise_due()
    assert [delivery.member for delivery in summaries()[-1].deliveries.all()] == [other]
