"""Calendars that would keep a machine busy for hours, or fill its memory."""

import time
import tracemalloc

import pytest

from common.errors import FeedError
from eventupdate.expand import MAX_OCCURRENCES, MAX_OF_ONE, Expander
from eventupdate.lines import read_blocks, read_feed
from eventupdate.properties import read_properties
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blank_lines_take_a_time_in_proportion_to_their_number(encoding: str) -> None:
    """A pattern that looks at each of them from each of them keeps a whole process busy for days."""
    began = time.monotonic()
    blank = "\n" * 200_000
    feed = read_feed(f"BEGIN:VCALENDAR{blank}END:VCALENDAR".encode(encoding))
    read_blocks(f"BEGIN:VEVENT{blank}END:VEVENT")
    assert (feed.entries, time.monotonic() - began < 5) == ([], True)


@pytest.mark.parametrize(
    "line", ['ATTENDEE;X="";CN={}:mailto:a@example.org', 'ATTENDEE;X={};CN="":mailto:a@example.org']
)
@pytest.mark.parametrize("piece", ["a", '""'])
def test_a_long_line_takes_little_memory(line: str, piece: str) -> None:
    text = line.format(piece * 300_000)
    tracemalloc.start()
    try:
        assert read_properties([text])["ATTENDEE"][0].value == "mailto:a@example.org"
        assert tracemalloc.get_traced_memory()[1] < 10 * len(text)
    finally:
        tracemalloc.stop()


def test_a_rule_longer_than_any_that_makes_sense_is_refused() -> None:
    expansion = expanded(entry("DTSTART:20261124T090000Z", f"RRULE:FREQ=WEEKLY;BYDAY=MO{',MO' * 20_000}"))
    assert expansion.broken == {"one@test": "its RRULE can't be read"}
