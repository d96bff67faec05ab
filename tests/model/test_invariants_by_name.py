"""Scripted histories for each invariant of DESIGN.md, worked out by hand; the model test has random ones.

Each runs with the reference alone, which shows that the reference is right, and beside the engine.
"""

from typing import Any

import pytest

from tests.model.history import BEGIN, History
from tests.model.world import CRITICAL, Behaviour, Event, Plan, Target

pytestmark = pytest.mark.django_db
START = BEGIN + 20.5
"""10:20:30; a step ten minutes before is due at 10:10:30."""


def plan(
    history: History, *steps: tuple[str, int], owner: str = "Alice", word: str = "telecon", **values: Any
) -> Plan:
    """Register a plan whose steps are written "Alice's push", -10."""
    names = {target.name: target for target in history.targets}
    member = next(one for one in history.members if one.name == owner)
    return history.register(member, word, [(names[name], offset, False) for name, offset in steps], **values)


def telecon(
    history: History, *, start: float = START, length: int = 60, calendar: int = 0, severity: int = 10
) -> Event:
    return history.publish("telecon A", start, length=length, calendar=calendar, severity=severity)


def behave(history: History, name: str, does: Behaviour) -> None:
    history.behave(next(target for target in history.targets if target.name == name), does)


def told(history: History) -> list[tuple[str, float]]:
    """Return who was told by which way, and how many minutes before the first start (after: negative)."""
    return [(one.target.name, round(2 * (START - one.at)) / 2) for one in history.reference.told]


# 1. Nothing due is lost


@pytest.mark.parametrize("does", [Behaviour.KILLED, Behaviour.RETRY, Behaviour.NOT_TAKEN, Behaviour.LATER])
@pytest.mark.parametrize("name", ["Alice's push", "Alice's call"])
def test_1_what_the_provider_did_not_take_is_tried_again(
    history: History, name: str, does: Behaviour
) -> None:
    plan(history, (name, -10))
    behave(history, name, does)
    telecon(history)
    history.advance(40)
    delay = {Behaviour.KILLED: 1, Behaviour.LATER: 14}.get(does, 0)
    assert told(history) == [(name, 10 - delay)]


def test_1_the_last_try_is_made_just_before_the_deadline(history: History) -> None:
    plan(history, ("Alice's push", -5))
    behave(history, "Alice's push", Behaviour.LATER)
    telecon(history, length=5)
    history.advance(60)
    [(_name, before)] = told(history)
    assert -5 < before <= -4


@pytest.mark.parametrize("minutes", [-30, 2 * 24 * 60])
def test_1_a_step_of_the_clock_loses_nothing(history: History, minutes: int) -> None:
    plan(history, ("Alice's push", -10), ("Alice's call", -5))
    telecon(history)
    history.advance(12)
    history.step_clock(minutes)
    history.advance(20)
    assert told(history) == [("Alice's push", 10), ("Alice's call", 5)]


# 2. A member is told once


def test_2_steps_overdue_after_a_downtime_ring_once(history: History) -> None:
    plan(history, ("Alice's call", -15), ("Alice's call", -10), ("Alice's call", -5))
    telecon(history)
    history.advance(17, is_down=True)
    history.advance(60)
    assert told(history) == [("Alice's call", 3.5)]


def test_2_a_late_registration_is_told_once(history: History) -> None:
    telecon(history)
    history.advance(14)
    plan(history, ("Alice's call", -15), ("Alice's call", -10))
    history.advance(20)
    assert told(history) == [("Alice's call", 6.5)]


def test_2_the_call_of_a_long_event_does_not_ring_days_late(history: History) -> None:
    plan(history, ("Alice's call", -10))
    telecon(history, length=5 * 24 * 60)
    history.advance(3 * 24 * 60, is_down=True)
    history.advance(10)
    assert told(history) == []


def test_2_the_same_meeting_in_two_calendars_rings_once(history: History) -> None:
    plan(history, ("Alice's call", -10), ("Bob's call", -5))
    telecon(history)
    telecon(history, calendar=1)
    history.advance(12)
    history.answer(0, "acknowledge")
    history.advance(20)
    assert told(history) == [("Alice's call", 10)]


def test_2_editing_the_offset_of_a_fired_step_does_not_ring_again(history: History) -> None:
    one = plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(12)
    history.move_step(one, one.steps[0], -15)
    history.move_step(one, one.steps[0], -2)
    history.advance(20)
    assert told(history) == [("Alice's call", 10)]


# 3. An answer is about what was told


def test_3_an_answer_from_a_stale_page_does_not_count_for_the_new_start(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -2))
    event = telecon(history)
    history.advance(12)
    history.change(event, start=START + 60)
    history.answer(0, "acknowledge")
    history.advance(80)
    assert told(history) == [
        ("Alice's push", 10), ("Alice's push", 8.5), ("Alice's push", -50), ("Bob's call", -58),
    ]  # fmt: skip


def test_3_an_acknowledged_start_stays_acknowledged_when_the_event_comes_back(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -2))
    event = telecon(history)
    history.advance(12)
    history.answer(0, "acknowledge")
    history.change(event, start=START + 60)
    history.change(event, start=START)
    history.advance(80)
    assert ("Bob's call", 2) not in told(history)


# 4. Plans are independent of storage


def test_4_an_acknowledgement_settles_every_plan_that_told_the_member(history: History) -> None:
    plan(history, ("Alice's push", -10))
    plan(history, ("Alice's push", -10), ("Bob's call", -2), owner="Bob")
    telecon(history)
    history.advance(12)
    history.answer(0, "acknowledge")
    history.advance(20)
    assert told(history) == [("Alice's push", 10)]


def test_4_a_miss_advances_every_plan_that_contains_the_step(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Carol's call", -2))
    plan(history, ("Alice's push", -10), ("Bob's call", -2), owner="Bob")
    behave(history, "Alice's push", Behaviour.REJECTED)
    telecon(history)
    history.advance(12)
    assert sorted(told(history)) == [("Bob's call", 10), ("Carol's call", 10)]


def test_4_a_late_step_does_not_depend_on_another_plan(history: History) -> None:
    plan(history, ("Alice's call", -30))
    plan(history, ("Alice's call", 5), owner="Bob")
    telecon(history)
    history.advance(30)
    assert told(history) == [("Alice's call", 20.5), ("Alice's call", -5)]


def test_4_one_plan_skips_who_is_away_and_another_does_not(history: History) -> None:
    history.publish("observing", BEGIN + 1.5)
    history.register(history.members[0], "observing", [], action="away")
    plan(history, ("Alice's call", -10), ("Bob's call", -2), skips_away=True)
    plan(history, ("Alice's call", -10), owner="Bob")
    telecon(history)
    history.advance(12)
    assert sorted(told(history)) == [("Alice's call", 10), ("Bob's call", 10)]


# 5. A miss advances the plan


def test_5_a_push_without_receipt_brings_the_next_step_forward(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -2))
    behave(history, "Alice's push", Behaviour.ACCEPTED)
    telecon(history)
    history.advance(12)
    assert told(history) == [("Alice's push", 10), ("Bob's call", 9)]


def test_5_our_own_misconfiguration_is_tried_again_and_advances_the_plan(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -2))
    behave(history, "Alice's push", Behaviour.MISCONFIGURED)
    telecon(history)
    history.advance(12)
    assert sorted(told(history)) == [("Alice's push", 10), ("Bob's call", 10)]


@pytest.mark.parametrize("cause", ["quiet", "cap", "target", "account"])
def test_5_what_holds_a_step_back_advances_the_plan(history: History, cause: str) -> None:
    plan(history, ("Alice's call", -10), ("Bob's call", -2), owner="Bob")
    telecon(history)
    alice = history.members[0]
    if cause == "quiet":
        history.set_member(alice, quiet=(540, 660))
    elif cause == "cap":
        history.set_member(alice, cap=0)
    elif cause == "target":
        history.switch_target(history.targets[1])
    else:
        history.switch_account(alice)
    history.advance(12)
    assert told(history) == [("Bob's call", 10)]


def test_5_a_step_held_back_waits_for_a_later_step_of_the_same_member(history: History) -> None:
    plan(history, ("Alice's call", -10), ("Alice's inbox", -5), ("Bob's call", -2))
    history.set_member(history.members[0], quiet=(540, 660))
    telecon(history)
    history.advance(20)
    assert told(history) == [("Alice's inbox", 5), ("Bob's call", 2)]


def test_5_critical_notices_break_quiet_hours(history: History) -> None:
    plan(history, ("Alice's call", -10))
    history.set_member(history.members[0], quiet=(540, 660))
    telecon(history, severity=CRITICAL)
    history.advance(12)
    assert told(history) == [("Alice's call", 10)]


def test_2_a_meeting_that_comes_by_a_second_calendar_is_not_told_again_by_a_step_that_was_edited(
    history: History,
) -> None:
    one = plan(history, ("Alice's push", -10))
    telecon(history, start=BEGIN + 8.5)
    history.move_step(one, one.steps[0], -15)
    telecon(history, start=BEGIN + 8.5, calendar=1)
    assert [name for name, _at in told(history)] == ["Alice's push"]


def test_4_a_busy_call_is_redialled_for_the_second_plan_though_the_first_is_deleted(history: History) -> None:
    first = plan(history, ("Alice's call", -10))
    plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(11)
    history.report(0, "busy")
    history.delete_plan(first)
    history.advance(3)
    assert [name for name, _at in told(history)] == ["Alice's call"] * 2


def test_5_a_busy_call_is_redialled_once_when_the_plan_has_nothing_else(history: History) -> None:
    plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(12)
    history.report(0, "busy")
    history.advance(3)
    history.report(1, "busy")
    history.advance(5)
    assert told(history) == [("Alice's call", 10), ("Alice's call", 6)]


def test_5_pass_on_promises_only_what_can_happen(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -5), ("Carol's call", -2))
    history.set_member(history.members[1], quiet=(540, 660))
    telecon(history)
    history.advance(12)
    history.answer(0, "pass on")
    assert told(history) == [("Alice's push", 10), ("Carol's call", 8.5)]


def test_5_a_snooze_tells_again_once_and_not_after_an_acknowledgement(history: History) -> None:
    plan(history, ("Alice's push", -10))
    plan(history, ("Alice's push", -10), ("Bob's call", -2), owner="Bob")
    telecon(history)
    history.advance(12)
    history.answer(0, "snooze", 5)
    history.answer(0, "snooze", 5)
    history.advance(6)
    history.answer(0, "acknowledge")
    history.answer(1, "snooze", 5)
    history.advance(30)
    assert told(history) == [("Alice's push", 10), ("Alice's push", 3)]


@pytest.mark.parametrize("is_always", [False, True])
def test_5_a_step_to_a_disabled_target_advances_the_plan_though_it_was_planned_again(
    history: History, *, is_always: bool
) -> None:
    one = plan(history, ("Alice's push", -5))
    phone = next(target for target in history.targets if target.name == "Bob's call")
    history.add_step(one, phone, -10, is_always=is_always)
    telecon(history)
    history.switch_target(phone)
    history.step_clock(2 * 24 * 60)
    history.advance(30)
    assert told(history) == [("Alice's push", 10)]


def test_5_a_snooze_after_a_stop_promises_nothing(history: History) -> None:
    plan(history, ("Alice's push", -10))
    telecon(history)
    history.advance(12)
    history.answer(0, "stop")
    history.answer(0, "snooze", 5)
    history.advance(30)
    assert told(history) == [("Alice's push", 10)]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_5_a_change_can_be_snoozed_until_it_is_acknowledged(history: History, *, is_deleted: bool) -> None:
    one = plan(history, ("Alice's push", -10))
    event = telecon(history)
    history.advance(11)
    history.change(event, start=START + 60)
    history.advance(1)
    if is_deleted:
        history.delete_plan(one)
    history.answer(1, "snooze", 5)
    history.advance(10)
    history.answer(2, "snooze", 10)
    history.answer(1, "acknowledge")
    history.advance(90)
    assert [name for name, _before in told(history)] == ["Alice's push"] * 3


def test_5_a_snooze_lasts_while_one_of_the_plans_that_told_does(history: History) -> None:
    first = plan(history, ("Alice's push", -10))
    plan(history, ("Alice's push", -10))
    telecon(history)
    history.advance(12)
    history.answer(0, "snooze", 5)
    history.delete_plan(first)
    history.advance(30)
    assert told(history) == [("Alice's push", 10), ("Alice's push", 3)]


# 6. Facts commute


@pytest.mark.parametrize("facts", [("busy", "shown"), ("shown", "busy"), ("shown", "shown", "busy")])
def test_6_evidence_of_a_person_counts_in_every_order(history: History, facts: tuple[str, ...]) -> None:
    plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(12)
    for fact in facts:
        history.report(0, fact)
    assert history.reference.reached() == {("Alice", "telecon A", START)}


def test_6_a_push_that_was_shown_is_not_sent_again(history: History) -> None:
    plan(history, ("Alice's push", -10))
    behave(history, "Alice's push", Behaviour.KILLED_AFTER)
    telecon(history)
    history.advance(10.5)
    history.report(0, "shown")
    history.advance(10)
    assert told(history) == [("Alice's push", 10)]


# 7. The record outlives its subjects


@pytest.mark.parametrize("subject", ["target", "plan"])
def test_7_who_was_told_and_reached_stays_when_the_subject_is_deleted(history: History, subject: str) -> None:
    one = plan(history, ("Alice's push", -10), ("Bob's call", -2))
    telecon(history)
    history.advance(12)
    history.answer(0, "acknowledge")
    if subject == "target":
        history.delete_target(one.steps[0].target)
    else:
        history.delete_plan(one)
    history.advance(20)
    assert history.reference.reached() == {("Alice", "telecon A", START)}
    assert told(history) == [("Alice's push", 10)]


# 10. Members who were told are told of the change


def test_3_a_cancellation_tells_the_start_that_was_told_though_the_event_moved_since(
    history: History,
) -> None:
    plan(history, ("Alice's call", -10))
    event = telecon(history)
    history.advance(11)  # it rings, and only an answer shows that she was told
    history.change(event, start=START + 30)
    history.change(event, is_canceled=True)
    history.answer(0, "acknowledge")
    assert [(one.target.name, one.start) for one in history.reference.told] == [("Alice's call", START)] * 2
    history.answer(1, "acknowledge")


def test_10_a_cancellation_is_told_to_those_who_were_told(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's call", -2))
    event = telecon(history)
    history.advance(12)
    history.change(event, is_canceled=True)
    history.advance(20)
    assert told(history) == [("Alice's push", 10), ("Alice's push", 8.5)]


def test_10_who_was_told_of_the_change_is_not_told_again_by_an_overdue_step(history: History) -> None:
    one = plan(history, ("Alice's push", -10), ("Alice's call", -8))
    event = telecon(history)
    history.advance(11)
    history.change(event, start=START - 6)
    history.advance(1)
    history.add_step(one, history.targets[0], -60)
    history.advance(1)
    assert told(history) == [("Alice's push", 10), ("Alice's push", 9.5)]


def test_10_a_change_is_told_though_the_plan_was_deleted(history: History) -> None:
    one = plan(history, ("Alice's push", -10))
    event = telecon(history)
    history.advance(12)
    history.delete_plan(one)
    history.change(event, start=START + 60)
    history.advance(1)
    assert told(history) == [("Alice's push", 10), ("Alice's push", 8.5)]


def test_10_a_small_move_is_told_in_the_inbox_only(history: History) -> None:
    plan(history, ("Alice's push", -10))
    event = telecon(history)
    history.advance(12)
    history.change(event, start=START + 1)
    history.advance(20)
    assert told(history) == [("Alice's push", 10), ("Alice's inbox", 8.5)]


def test_10_a_move_back_before_the_notice_went_out_withdraws_it(history: History) -> None:
    plan(history, ("Alice's push", -10))
    event = telecon(history)
    history.advance(12)
    behave(history, "Alice's push", Behaviour.LATER)
    history.change(event, start=START + 60)
    history.change(event, start=START)
    history.advance(40)
    assert told(history) == [("Alice's push", 10)]


def test_6_a_mail_whose_answer_was_lost_reaches_its_member_though_another_member_brought_it_forward(
    history: History,
) -> None:
    plan(history, ("Alice's push", -10), ("Carol's mail", -2))
    behave(history, "Carol's mail", Behaviour.UNKNOWN)
    telecon(history)
    history.advance(11)
    history.answer(0, "pass on")
    assert told(history) == [("Alice's push", 10), ("Carol's mail", 9.5)]
    assert ("Carol", "telecon A", START) in history.reference.reached()


def _disabled_when_due(history: History, *others: tuple[str, int]) -> tuple[Plan, Target]:
    """Have Alice's push fall due while it is disabled: it is 10:11 then."""
    one = plan(history, ("Alice's push", -10), *others)
    telecon(history)
    history.advance(9)
    push = next(target for target in history.targets if target.name == "Alice's push")
    history.switch_target(push)
    history.advance(2)
    return one, push


def test_4_a_step_to_a_disabled_target_brings_one_step_forward_however_often_its_plan_is_edited(
    history: History,
) -> None:
    one, _push = _disabled_when_due(history, ("Bob's push", -2), ("Carol's push", -1))
    mail = next(target for target in history.targets if target.name == "Alice's mail")
    history.add_step(one, mail, 3)
    history.add_step(one, mail, 4)
    history.advance(3)
    assert told(history) == [("Bob's push", 10)]


@pytest.mark.parametrize("edits", [0, 1])
def test_1_a_target_enabled_within_minutes_is_told_what_fell_due_meanwhile(
    history: History, edits: int
) -> None:
    one, push = _disabled_when_due(history)
    mail = next(target for target in history.targets if target.name == "Alice's mail")
    for number in range(edits):
        history.add_step(one, mail, 3 + number)
    history.switch_target(push)
    history.advance(1)
    assert [name for name, _at in told(history)] == ["Alice's push"]


def test_5_a_snooze_by_a_contact_method_that_was_deleted_promises_nothing(history: History) -> None:
    plan(history, ("Alice's push", -10))
    telecon(history)
    history.advance(11)
    history.delete_target(next(target for target in history.targets if target.name == "Alice's push"))
    history.answer(0, "snooze", 5)
    history.advance(10)
    assert len(told(history)) == 1


def test_5_a_call_beyond_the_administrators_limit_lets_the_plan_go_on(history: History) -> None:
    plan(history, ("Alice's call", -10), ("Bob's call", -2), ("Carol's push", -1))
    history.set_limits(None, 0)
    telecon(history)
    history.advance(11)
    assert told(history) == [("Carol's push", 10)]


def test_1_a_call_beyond_the_administrators_limit_takes_nothing_of_the_members_own(history: History) -> None:
    plan(history, ("Alice's call", -10), ("Alice's push", -5))
    history.set_member(history.members[0], cap=1)
    history.set_limits(1, 0)
    telecon(history)
    history.advance(20)
    assert [name for name, _at in told(history)] == ["Alice's push"]


def test_5_a_busy_line_that_the_provider_tells_of_when_it_is_asked_is_dialed_again(history: History) -> None:
    behave(history, "Alice's call", Behaviour.ENGAGED)
    plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(20)
    assert told(history) == [("Alice's call", 10), ("Alice's call", 5)]


def test_6_an_answered_call_of_which_the_callback_was_lost_counts_as_reached(history: History) -> None:
    behave(history, "Alice's call", Behaviour.ANSWERED)
    plan(history, ("Alice's call", -10))
    telecon(history)
    history.advance(20)
    assert ("Alice", "telecon A", START) in history.reference.reached()
    assert len(told(history)) == 1


def test_2_a_meeting_of_two_calendars_that_moves_by_a_minute_is_not_told_again(history: History) -> None:
    names = {target.name: target for target in history.targets}
    history.register(history.members[0], "telecon", [(names["Alice's push"], -10, True)])
    event = telecon(history)
    telecon(history, calendar=1)
    history.change(event, start=BEGIN + 0.5)
    history.change(event, start=BEGIN + 1.5)
    assert [name for name, _at in told(history)] == ["Alice's push", "Alice's inbox"]


def test_2_a_meeting_that_another_calendar_has_a_minute_later_is_not_told_again(history: History) -> None:
    plan(history, ("Alice's push", 5))
    event = telecon(history, start=BEGIN + 3.5)
    history.advance(10)
    history.change(event, start=BEGIN + 4.5)
    telecon(history, start=BEGIN + 4.5, calendar=1)
    assert [name for name, _at in told(history)] == ["Alice's push"]


@pytest.mark.parametrize("last_first", [False, True])
def test_2_a_meeting_that_moves_by_a_minute_in_both_calendars_is_not_told_again(
    history: History, *, last_first: bool
) -> None:
    plan(history, ("Alice's push", -10))
    event = telecon(history)
    history.advance(11)
    telecon(history, calendar=1)
    history.change(event, last_first=last_first, start=START + 1)
    history.advance(3)
    assert [name for name, _at in told(history)] == ["Alice's push", "Alice's inbox"]


def test_1_a_call_that_was_not_taken_is_dialed_again_within_seconds(history: History) -> None:
    behave(history, "Alice's call", Behaviour.NOT_TAKEN)
    plan(history, ("Alice's call", -10))
    telecon(history, start=BEGIN + 3.5)
    assert [name for name, _at in told(history)] == ["Alice's call"]


def test_5_a_change_notice_that_fails_brings_no_step_forward(history: History) -> None:
    plan(history, ("Alice's push", -10), ("Bob's push", -2))
    event = telecon(history)
    history.advance(11)
    behave(history, "Alice's push", Behaviour.REJECTED)
    history.change(event, start=START + 30)
    history.advance(5)
    assert [name for name, _at in told(history)] == ["Alice's push"]


@pytest.mark.parametrize("how", ["shown", "acknowledge", "pass on"])
def test_10_a_person_who_answers_a_call_after_the_event_moved_is_told_of_the_move(
    history: History, how: str
) -> None:
    plan(history, ("Alice's call", -10))
    event = telecon(history)
    history.advance(11)
    history.change(event, start=START + 60)
    if how == "shown":
        history.report(0, how)
    else:
        history.answer(0, how)
    history.advance(1)
    assert [name for name, _at in told(history)] == ["Alice's call", "Alice's call"]


def test_2_a_call_about_a_move_that_still_rings_is_not_repeated(history: History) -> None:
    plan(history, ("Alice's call", -10), ("Bob's call", -10))
    event = telecon(history)
    history.advance(11)
    history.answer(0, "pass on")
    history.change(event, start=START + 60)
    history.report(1, "shown")
    history.advance(1)
    assert [name for name, _at in told(history)] == [
        "Alice's call",
        "Bob's call",
        "Alice's call",
        "Bob's call",
    ]
