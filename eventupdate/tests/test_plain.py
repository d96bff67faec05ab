"""Series that are expanded without a library, held against recurring-ical-events."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eventupdate.entries import Entry, read_lines
from eventupdate.plain import is_plain, plain_repetitions
from eventupdate.repetition import Repetition, repetitions
from eventupdate.times import to_utc
from eventupdate.work import Share, Work
from eventupdate.zones import Zones

FIRST, STOP = datetime(2026, 2, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
HEADS = (
    ";TZID=Europe/Berlin", ";TZID=America/New_York", ";TZID=Australia/Lord_Howe", ";TZID=Asia/Tokyo", ";VALUE=DATE", "Z",
)  # fmt: skip
DATE_FORMS = (
    ";VALUE=DATE:{:.8}", ":{:.8}", ":{:.8}T000000", ":{:.8}T000000Z", ";TZID=America/New_York:{:.8}T000000",
    ";TZID=W. Europe Standard Time:{:.8}T000000", ";TZID=Asia/Tokyo:{:.8}T233000",
)  # fmt: skip
"""How producers write a date of a series of days."""
ZONES = Zones([], ["Europe/Berlin"])

starts = st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001 - local times
clocks = st.sampled_from([(2, 30), (1, 30), (0, 0), (9, 0), (23, 45), (3, 0)])
day_names = st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True).map(",".join)
counted_names = st.lists(
    st.builds("{}{}".format, st.sampled_from(["", "1", "2", "-1", "-2", "5"]), st.sampled_from(DAYS)),
    min_size=1,
    max_size=3,
    unique=True,
).map(",".join)
month_days = st.lists(
    st.sampled_from([1, 2, 13, 28, 29, 30, 31, -1, -2]), min_size=1, max_size=3, unique=True
)
months = st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True)


def joined(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule as producers write them."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    end = draw(st.sampled_from(["", "COUNT", "UNTIL"]))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 60))}")
    elif end == "UNTIL":
        until = draw(starts)
        parts.append(
            f"UNTIL={until:%Y%m%d}{draw(st.sampled_from(['', f'T{until:%H%M%S}Z', f'T{until:%H%M%S}']))}"
        )
    # A combination that never comes true keeps dateutil busy until the year 9999.
    by = draw(st.sampled_from(["", "BYDAY", "BYMONTHDAY"]))
    if by == "BYDAY":
        names = counted_names if frequency in {"MONTHLY", "YEARLY"} else day_names
        parts.append(f"BYDAY={draw(names)}")
    elif by == "BYMONTHDAY" and frequency != "WEEKLY":
        parts.append(f"BYMONTHDAY={joined([draw(st.sampled_from([1, 13, -1])), *draw(month_days)])}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(f"BYMONTH={joined(draw(months))}")
    if by and frequency in {"MONTHLY", "YEARLY"} and draw(st.integers(0, 2)) == 0:
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '1,-1', '2,-1']))}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    return ";".join(parts)


def moment(head: str, at: datetime) -> str:
    """Return the rest of a line after its name."""
    if head == ";VALUE=DATE":
        return f"{head}:{at:%Y%m%d}"
    return f":{at:%Y%m%dT%H%M%S}Z" if head == "Z" else f"{head}:{at:%Y%m%dT%H%M%S}"


@st.composite
def series(draw: st.DrawFn) -> tuple[Entry, list[Entry]]:
    """A series with exceptions: some occurrences left out, some moved."""
    head = draw(st.sampled_from(HEADS))
    hour, minute = draw(clocks)
    start = draw(starts).replace(hour=hour, minute=minute, second=0)
    length = draw(st.sampled_from(["DURATION:PT45M", "DURATION:P1D", "SEQUENCE:1"]))
    lines = [f"DTSTART{moment(head, start)}", length, f"RRULE:{draw(rules())}"]
    core = read_lines("one", lines, ZONES)
    found = [one.original for one in repetitions(core, [], FIRST, STOP, Share(Work()))]
    chosen = draw(st.lists(st.sampled_from(found), max_size=4, unique=True)) if found else []
    wall = [original.strftime("%Y%m%dT%H%M%S") for original in chosen]
    left_out = draw(st.integers(0, len(wall)))
    stamp = ";VALUE=DATE:{:.8}" if head == ";VALUE=DATE" else ":{}Z" if head == "Z" else head + ":{}"
    forms = DATE_FORMS if head == ";VALUE=DATE" else [stamp]
    lines += [f"EXDATE{draw(st.sampled_from(forms)).format(text)}" for text in wall[:left_out]]
    core = read_lines("one", lines, ZONES)
    # A local time that the clocks skip or repeat is one instant however it is written.
    assert {to_utc(one, UTC) for one in core.excluded} == {to_utc(one, UTC) for one in chosen[:left_out]}
    move = timedelta(days=draw(st.integers(-40, 40)), hours=draw(st.integers(-3, 3)))
    parts = [
        read_lines(
            "one", [f"RECURRENCE-ID{stamp.format(text)}", f"DTSTART{moment(head, start + move)}"], ZONES, core
        )
        for text in wall[max(0, left_out - 1) :]
    ]
    return core, parts


def told(found: Repetition) -> tuple[datetime, datetime, int, datetime]:
    original, start = to_utc(found.original, UTC), to_utc(found.start, UTC)
    return original, start, id(found.entry), found.length.end(found.start, UTC)


def within(
    found: list[tuple[datetime, datetime, int, datetime]],
) -> set[tuple[datetime, datetime, int, datetime]]:
    """Return those that start well within the span: at its ends both may give some more."""
    return {one for one in found if FIRST + timedelta(days=3) < one[1] < STOP - timedelta(days=3)}


@settings(max_examples=300, deadline=None)
@given(series())
def test_plain_series_are_what_recurring_ical_events_says(drawn: tuple[Entry, list[Entry]]) -> None:
    core, parts = drawn
    assert is_plain(parts)
    ours = [told(found) for found in plain_repetitions(core, parts, FIRST, STOP, Share(Work()))]
    theirs = [told(found) for found in repetitions(core, parts, FIRST, STOP, Share(Work()))]
    assert within(ours) == within(theirs)
    assert len(ours) == len(set(ours))


@settings(max_examples=60, deadline=None)
@given(series(), rules(), st.lists(starts, max_size=3), st.integers(1, 90))
def test_several_rules_and_single_dates_are_what_recurring_ical_events_says(
    drawn: tuple[Entry, list[Entry]], rule: str, dates: list[datetime], minutes: int
) -> None:
    core, parts = drawn
    lines = [f"{one.head}:{one.value}" for listed in core.properties.values() for one in listed]
    begin = core.start if isinstance(core.start, datetime) else None
    if begin is not None and begin.tzinfo is UTC:
        lines += [f"RDATE;VALUE=PERIOD:{at:%Y%m%dT%H%M%S}Z/PT{minutes}M" for at in dates]
    core = read_lines("one", [*lines, f"RRULE:{rule}"], ZONES)
    # The library leaves out a start that is after the UNTIL of one of several rules.
    assume(all(rule.until is None for rule in core.rules))
    ours = {one[:2]: one for one in map(told, plain_repetitions(core, parts, FIRST, STOP, Share(Work())))}
    theirs = [told(found) for found in repetitions(core, parts, FIRST, STOP, Share(Work()))]
    assert within(list(ours.values())) == within(theirs)


def test_an_entry_for_all_later_occurrences_is_left_to_the_library() -> None:
    lines = ["RECURRENCE-ID;RANGE=THISANDFUTURE:20261121T090000Z", "DTSTART:20261121T100000Z"]
    assert not is_plain([read_lines("one", lines, ZONES)])
