"""What rules yield, held against dateutil's."""

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from eventupdate.recurrence import moments
from eventupdate.rules import read_rule
from eventupdate.tests.texts import entry, occurrences, window
from eventupdate.times import Time, to_utc
from eventupdate.work import Share, Work

FIRST, LAST = date(2026, 2, 1), date(2027, 4, 1)
WINDOW = window("2026-02-01", "2027-04-02")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAYS_OF = {
    "BYMONTHDAY": ([1, 13, -1], [2, 24, 28, 29, 30, 31, -2, -31]),
    "BYYEARDAY": ([1, 100, -100], [59, 60, 61, 365, 366, -1, -365, -366]),
    "BYWEEKNO": ([1, 10, 20], [2, 22, 51, -2, -20]),
}
"""Values of which each year has the first ones.

Not the last week: dateutil leaves out its days in January of the next year.
"""
starts = st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001 - local times


def joined(draw: st.DrawFn, values: st.SearchStrategy[int], *others: int) -> str:
    return ",".join(
        map(str, [*others, *draw(st.lists(values, min_size=1 - len(others), max_size=3, unique=True))])
    )


def clock_parts(draw: st.DrawFn, *names: str) -> dict[str, str]:
    values = {
        "BYHOUR": st.integers(0, 23),
        "BYMINUTE": st.integers(0, 59),
        "BYSECOND": st.sampled_from([0, 30]),
    }
    return {name: joined(draw, values[name]) for name in names if draw(st.integers(0, 3)) == 0}


def day_parts(draw: st.DrawFn, frequency: str) -> dict[str, str]:
    """Parts that come true in most years: where they never do, dateutil searches until the year 9999."""
    name = draw(st.sampled_from(["", "BYDAY", "BYDAY", *DAYS_OF]))
    if name == "BYDAY":
        # dateutil takes days with and without a number as two conditions, RFC 5545 as one list.
        numbers = (
            ["1", "2", "-1", "4"] if frequency in {"MONTHLY", "YEARLY"} and draw(st.booleans()) else [""]
        )
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True))
        return {name: ",".join(f"{draw(st.sampled_from(numbers))}{day}" for day in days)}
    if not name:
        return {}
    certain, others = DAYS_OF[name]
    found = {name: joined(draw, st.sampled_from(others), draw(st.sampled_from(certain)))}
    return found | ({"BYDAY": "MO,TU,WE,TH,FR"} if name == "BYWEEKNO" or draw(st.integers(0, 3)) == 0 else {})


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule whose periods are days or longer."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {
        "FREQ": frequency,
        "INTERVAL": str(draw(st.sampled_from([1, 1, 5, 7] if frequency == "MONTHLY" else [1, 2, 3]))),
    }
    parts |= day_parts(draw, frequency)
    if not parts.keys() & {"BYYEARDAY", "BYWEEKNO"} and draw(st.integers(0, 3)) == 0:
        parts["BYMONTH"] = joined(draw, st.integers(1, 12))
    if len(parts) > 2 and draw(st.integers(0, 2)) == 0:
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "1,-1", "2,-1", "1,3"]))
    parts |= clock_parts(draw, "BYHOUR", "BYMINUTE", "BYSECOND")
    if draw(st.integers(0, 3)) == 0:
        parts["WKST"] = draw(st.sampled_from(DAYS))
    if draw(st.integers(0, 3)) == 0:
        parts["COUNT"] = str(draw(st.integers(1, 60)))
    return ";".join(f"{name}={value}" for name, value in parts.items())


@st.composite
def short_rules(draw: st.DrawFn) -> str:
    """A rule whose periods are hours, minutes or seconds."""
    frequency, intervals = draw(
        st.sampled_from(
            [("HOURLY", [1, 5, 7, 25]), ("MINUTELY", [1, 7, 45, 1440, 1441]), ("SECONDLY", [45, 60, 3601])]
        )
    )
    parts = {"FREQ": frequency, "INTERVAL": str(draw(st.sampled_from(intervals)))}
    # With both dateutil passes days over whose hours its interval reaches.
    parts |= (
        day_parts(draw, frequency)
        if draw(st.booleans())
        else clock_parts(draw, "BYHOUR", "BYMINUTE", "BYSECOND")
    )
    if draw(st.integers(0, 3)) == 0:
        parts["COUNT"] = str(draw(st.integers(1, 500)))
    elif frequency != "SECONDLY" and "BYSECOND" in parts and draw(st.booleans()):
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "1,2"]))
    return ";".join(f"{name}={value}" for name, value in parts.items())


def ours(
    rule: str, start: Time, first: date = FIRST, last: date = LAST, work: Work | None = None
) -> list[Time]:
    read = read_rule(rule, start, lambda until: until)
    return list(moments(read, start, first, last, Share(work or Work())))


def theirs(rule: str, start: datetime, first: date = FIRST, last: date = LAST) -> list[Time]:
    try:
        found = takewhile(lambda moment: moment.date() <= last, rrule.rrulestr(rule, dtstart=start))
        return [moment for moment in found if moment.date() >= first]
    except ValueError:
        return []  # dateutil refuses rules whose hours or minutes its interval never reaches


@settings(max_examples=300, deadline=None)
@given(rules(), starts)
def test_rules_yield_what_dateutil_says(rule: str, start: datetime) -> None:
    assert ours(rule, start) == theirs(rule, start)


@settings(max_examples=150, deadline=None)
@given(short_rules(), st.datetimes(datetime(2026, 1, 28), datetime(2026, 2, 3)))  # noqa: DTZ001 - local times
def test_rules_within_a_day_yield_what_dateutil_says(rule: str, start: datetime) -> None:
    start, last = start.replace(microsecond=0), FIRST + timedelta(days=4)
    assert ours(rule, start, FIRST, last) == theirs(rule, start, FIRST, last)


@pytest.mark.parametrize("number", [1, 2, 51, 52, 53, -1, -2, -52])
def test_the_weeks_of_a_year_are_those_of_its_calendar(number: int) -> None:
    first, last = date(2000, 1, 1), date(2040, 12, 31)
    expected = []
    for day in map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)):
        year, week, _ = day.isocalendar()
        weeks = date(year, 12, 28).isocalendar().week
        if week == (number if number > 0 else weeks + 1 + number):
            expected.append(day)
    assert ours(f"FREQ=YEARLY;BYWEEKNO={number};BYDAY={','.join(DAYS)}", first, first, last) == expected


@settings(max_examples=200, deadline=None)
@given(rules(), rules(), starts)
def test_a_series_with_an_excluding_rule_is_what_dateutil_says(
    rule: str, exrule: str, start: datetime
) -> None:
    begin = f"DTSTART:{start:%Y%m%dT%H%M%S}Z"
    found = occurrences(entry(begin, f"RRULE:{rule}", f"EXRULE:{exrule}"), window=WINDOW)
    expected = {start, *theirs(rule, start)} - set(theirs(exrule, start))
    instants = [to_utc(at, UTC) for at in sorted(expected)]
    assert [one.starts_at for one in found] == [at for at in instants if WINDOW.holds(at)]
