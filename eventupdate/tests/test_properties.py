"""Properties of the expansion of random feeds: no crash, no end before a start, nothing outside of the window."""

from contextlib import suppress
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import FeedError
from eventupdate.lines import read_feed
from eventupdate.tests.texts import NEW_YORK_ZONE, WINDOW, Expansion, calendar, entry, expand, single, window

GAPS = window("2026-03-01", "2026-11-30")

TIMES = [
    "20261124T090000Z", "20261124T090000", "20261124", "20260329T023000", "20261025T023000", "20240229",
    "19700101T000000Z", "99991231T235959Z", "00010101", "soon", "", "20261124T250000", "20261124T0900Z",
]  # fmt: skip
ZONES = [
    "",
    ";TZID=Europe/Berlin",
    ";TZID=Our office",
    ";TZID=Nowhere",
    ";VALUE=DATE",
    ';TZID="W. Europe Standard Time"',
]
RULES = [
    "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=DAILY;UNTIL=20261201",
    "FREQ=DAILY;UNTIL=20261201T000000Z", "FREQ=DAILY;COUNT=-1", "FREQ=HOURLY;COUNT=5", "FREQ=DAILY;INTERVAL=0",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=MONTHLY;BYSETPOS=2;BYDAY=MO", "FREQ=DAILY;BYDAY=XX", "",
]  # fmt: skip
LENGTHS = ["PT30M", "P1D", "-PT1H", "P1W", "PT0S", "P99999D", "P", "1H"]

moments = st.tuples(st.sampled_from(ZONES), st.sampled_from(TIMES)).map(":".join)
lines = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["DTEND", "RDATE", "EXDATE", "RECURRENCE-ID"]), moments),
    st.sampled_from(RULES).map("RRULE:{}".format),
    st.sampled_from(LENGTHS).map("DURATION:{}".format),
    st.sampled_from(
        ["STATUS:CANCELLED", "SEQUENCE:1", "SEQUENCE:x", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T090000Z"]
    ),
)
entries = st.builds(
    lambda start, more, uid: entry(f"DTSTART{start}", *more, uid=uid),
    moments,
    st.lists(lines, max_size=4),
    st.sampled_from(["one", "two"]),
)


def check(expansion: Expansion, seen: set[str]) -> None:
    for occurrence in expansion.occurrences:
        assert occurrence.starts_at.tzinfo is UTC
        assert occurrence.ends_at is None or occurrence.ends_at > occurrence.starts_at
        assert occurrence.external_id not in seen
        seen.add(occurrence.external_id)
    assert len(expansion.problem) <= 300


@settings(max_examples=150, deadline=None)
@given(st.lists(entries, max_size=4), st.sampled_from(["", "Asia/Tokyo", "Nowhere"]))
def test_any_mixture_of_properties_gives_sound_occurrences(parts: list[str], zone: str) -> None:
    feed = read_feed(calendar(NEW_YORK_ZONE, f"X-WR-TIMEZONE:{zone}", *parts).encode())
    for span in (WINDOW, GAPS):
        expansion = expand(feed, span)
        check(expansion, set())
        assert all(span.holds(o.starts_at) for o in expansion.occurrences)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=3))
def test_what_is_broken_spoils_nothing_else(parts: list[str]) -> None:
    feed = read_feed(calendar(*parts, single(uid="sound@test")).encode())
    assert "sound@test" in {o.uid for o in expand(feed, WINDOW).occurrences}


SAMPLE = calendar(
    NEW_YORK_ZONE,
    entry(
        "DTSTART;TZID=Our office:20261120T090000",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY;COUNT=9",
        "EXDATE:20261124T140000Z",
    ),
    entry("RECURRENCE-ID:20261125T140000Z", "DTSTART:20261126T140000Z"),
    single(uid="two"),
).encode()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=3)), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_mutilated_feed_is_refused_or_read_and_nothing_else(
    cuts: list[tuple[int, bytes]],
    is_cut: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    content = SAMPLE
    for place, piece in cuts:
        content = content[:place] + piece + content[place + 1 :]
    if is_cut:
        content = content[: cuts[0][0]]
    with suppress(FeedError):
        check(expand(read_feed(content), WINDOW), set())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_a_calendar_and_nothing_else(content: bytes) -> None:
    with suppress(FeedError):
        read_feed(content)
