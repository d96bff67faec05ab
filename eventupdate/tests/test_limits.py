"""Calendars that would keep a machine busy for hours, or fill its memory."""

import time
import tracemalloc

import pytest

from common.errors import FeedError
from eventupdate.expand import MAX_OCCURRENCES, MAX_OF_ONE, Expanded, Expander
from eventupdate.lines import read_blocks, read_feed
from eventupdate.properties import read_properties
from eventupdate.tests.texts import WINDOW, entry, expanded, occurrences, window
from eventupdate.work import CALENDAR_STEPS, ENTRY_STEPS


def many(rule: str, count: int, start: str = "20261124T090000Z") -> list[str]:
    """Return entries with one rule."""
    return [entry(f"DTSTART:{start}", f"RRULE:{rule}", uid=str(number), title="x") for number in range(count)]


def steps_of(rule: str, start: str = "20261124T090000Z") -> tuple[Expanded, int]:
    """Return what a series is expanded to, and the steps that its rule took."""
    expander = Expander([""])
    found = expander.expand("one@test", [entry(f"DTSTART:{start}", f"RRULE:{rule}")], WINDOW)
    return found, CALENDAR_STEPS - expander.steps_left


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30,31",
        "FREQ=HOURLY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=2TU;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=6TU",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        "FREQ=YEARLY;BYYEARDAY=200;BYMONTH=1",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=HOURLY;BYSETPOS=366;BYMINUTE=59",
        "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=5",
        "FREQ=MINUTELY;INTERVAL=7;BYHOUR=25",
        "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1",
        "FREQ=SECONDLY;INTERVAL=3600;BYHOUR=10;BYSECOND=30",
    ],
)
@pytest.mark.parametrize("start", ["20261124T090000Z", "19700106T090000Z"])
def test_a_rule_that_never_comes_true_takes_few_steps(rule: str, start: str) -> None:
    found, steps = steps_of(rule, start)
    assert [one.recurrence_id for one in found.occurrences] == ([start] if start > "2026" else [])
    assert (found.problem, steps < 2000) == ("", True)


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY;INTERVAL=30", "FREQ=MINUTELY", "FREQ=MINUTELY;COUNT=1000000000"]
)
def test_of_a_rule_that_repeats_too_often_the_first_start_counts(rule: str) -> None:
    found, steps = steps_of(rule)
    assert [one.recurrence_id for one in found.occurrences] == ["20261124T090000Z"]
    assert f"it repeats more than {MAX_OF_ONE} times" in found.problem
    assert steps <= ENTRY_STEPS


def test_of_a_rule_that_takes_too_many_steps_the_first_start_counts() -> None:
    odd = ",".join(str(second) for second in range(1, 60, 2))
    rules = [f"FREQ=SECONDLY;INTERVAL=2;BYSECOND={odd};COUNT={count}" for count in range(1, 13)]
    found, steps = steps_of("\nRRULE:".join(rules))
    assert found.problem == f"its rules need more than {ENTRY_STEPS} steps; only its first start counts"
    assert [one.recurrence_id for one in found.occurrences] == ["20261124T090000Z"]
    assert steps == ENTRY_STEPS


def test_all_rules_of_a_small_calendar_have_one_limit() -> None:
    """Each of its rules is within the limit of an entry, but for the number of occurrences."""
    entries = many("FREQ=MINUTELY", 28_000 // len(many("FREQ=MINUTELY", 1)[0]))
    began = time.process_time()
    expansion = expanded(*entries)
    assert time.process_time() - began < 25
    assert len(expansion.occurrences) == len(expansion.broken) == len(entries)
    reasons = list(expansion.broken.values())
    assert f"it repeats more than {MAX_OF_ONE} times" in reasons[0]
    assert (
        reasons[-1]
        == f"the rules of the calendar need more than {CALENDAR_STEPS} steps; only its first start counts"
    )


def test_an_interval_of_nothing_does_not_stand_still() -> None:
    assert (
        len(expanded(entry("DTSTART:20261124T090000Z", "RRULE:FREQ=DAILY;INTERVAL=0;COUNT=3")).occurrences)
        == 3
    )


def test_an_entry_may_repeat_every_hour() -> None:
    assert len(occurrences(entry("DTSTART:20260101T000000Z", "RRULE:FREQ=HOURLY"))) == 24 * 62


def test_too_many_single_dates_of_an_entry_are_refused() -> None:
    dates = ",".join(["20261124T090000Z"] * 200_000)
    expansion = expanded(entry("DTSTART:20261124T090000Z", f"RDATE:{dates}"))
    assert "more than 5000 single dates" in expansion.problem


def test_too_many_occurrences_of_a_calendar_are_refused() -> None:
    one, days = entry("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY"), window("2026-01-01", "2053-01-01")
    expander = Expander([""])
    once = len(expander.expand("one@test", [one], days).occurrences)
    for _ in range(MAX_OCCURRENCES // once - 1):
        expander.expand("one@test", [one], days)
    with pytest.raises(FeedError, match=f"more than {MAX_OCCURRENCES} entries within 9862 days"):
        expander.expand("one@test", [one], days)


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
