"""Calendars that would keep a machine busy for hours, or fill its memory."""

import time

import pytest

from common.errors import FeedError
from eventupdate.expand import MAX_OCCURRENCES, MAX_OF_ONE, Expander
from eventupdate.tests.texts import entry, expanded, occurrences, single, window
from eventupdate.timelimit import TimeLimit, TooLong


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;INTERVAL=7;BYHOUR=25",
        "FREQ=HOURLY;BYSETPOS=366;BYMINUTE=59",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    ],
)
def test_a_rule_that_takes_for_ever_is_given_up(rule: str) -> None:
    began = time.monotonic()
    expansion = expanded(entry("DTSTART:19700101T000000Z", f"RRULE:{rule}"), single(uid="two@test"))
    assert time.monotonic() - began < 15
    assert [o.uid for o in expansion.occurrences] == ["two@test"]
    assert set(expansion.broken) <= {"one@test"}


def test_rules_of_a_zone_that_take_for_ever_are_given_up() -> None:
    zone = """\
BEGIN:VTIMEZONE
TZID:Busy
BEGIN:STANDARD
DTSTART:16010101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:DAYLIGHT
END:VTIMEZONE"""
    began = time.monotonic()
    expansion = expanded(zone, entry("DTSTART;TZID=Busy:20261124T090000"), single(uid="two@test"))
    assert time.monotonic() - began < 15
    assert [o.uid for o in expansion.occurrences] == ["two@test"]
    assert list(expansion.broken) == ["one@test"]


def test_an_interval_of_nothing_does_not_stand_still() -> None:
    assert (
        len(expanded(entry("DTSTART:20261124T090000Z", "RRULE:FREQ=DAILY;INTERVAL=0;COUNT=3")).occurrences)
        == 3
    )


def test_an_entry_that_repeats_too_often_is_left_out() -> None:
    expansion = expanded(entry("DTSTART:20261120T000000Z", "RRULE:FREQ=MINUTELY"))
    assert expansion.occurrences == []
    assert f"repeats more than {MAX_OF_ONE} times" in expansion.problem


def test_an_entry_may_repeat_every_hour() -> None:
    assert len(occurrences(entry("DTSTART:20260101T000000Z", "RRULE:FREQ=HOURLY"))) == 24 * 62


def test_too_many_single_dates_of_an_entry_are_refused() -> None:
    dates = ",".join(["20261124T090000Z"] * 200_000)
    expansion = expanded(entry("DTSTART:20261124T090000Z", f"RDATE:{dates}"))
    assert "more than 5000 single dates" in expansion.problem


def test_too_many_occurrences_of_a_calendar_are_refused() -> None:
    one, days = entry("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY"), window("2026-01-01", "2053-01-01")
    with Expander([""]) as expander:
        once = len(expander.expand("one@test", [one], days).occurrences)
        for _ in range(MAX_OCCURRENCES // once - 1):
            expander.expand("one@test", [one], days)
        with pytest.raises(FeedError, match=f"more than {MAX_OCCURRENCES} entries within 9862 days"):
            expander.expand("one@test", [one], days)


def work_for_ever(limit: TimeLimit) -> None:
    with limit.piece():
        while True:
            pass


def test_a_time_limit_ends_a_piece_of_work_and_no_more_than_that() -> None:
    with TimeLimit(0.2) as limit:
        with pytest.raises(TooLong):
            work_for_ever(limit)
        with limit.piece():
            done = sum(range(1000))
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            done += 1
    assert done > 499_500


def test_pieces_that_end_about_when_their_time_does_never_hurt_what_comes_after() -> None:
    ended = 0
    with TimeLimit(0.05) as limit:
        for _ in range(30):
            try:
                with limit.piece():
                    until = time.monotonic() + 0.1
                    while time.monotonic() < until:
                        pass
            except TooLong:
                pass
            ended += 1
    assert ended == 30
