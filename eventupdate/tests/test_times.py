"""How long entries last, and what the clocks do to them."""

from datetime import UTC, datetime, timedelta

import pytest

from eventupdate.tests.texts import entry, occurrences, starts, window

BERLIN = "DTSTART;TZID=Europe/Berlin:"
GAP = window("2026-03-01", "2026-04-30")


@pytest.mark.parametrize("length", ["DURATION:PT30M", "DTEND;TZID=Europe/Berlin:20260329T030000"])
def test_a_start_in_the_gap_of_the_clocks_never_yields_an_end_before_it(length: str) -> None:
    """RFC 5545 section 3.3.5: a local time that does not occur has the offset before the gap.

    02:30 on that night is 01:30 UTC. recurring-ical-events adds the length on the clock's face,
    and 03:00 summer time is 01:00 UTC; by section 3.3.10 the length stays what it is.
    """
    (found,) = occurrences(entry(f"{BERLIN}20260329T023000", length), window=GAP)
    assert found.starts_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def test_a_series_through_the_gap_has_the_same_length_every_day() -> None:
    """RFC 5545 section 3.3.10: "the same exact duration will apply to all the members"."""
    daily = entry(
        f"{BERLIN}20260327T023000", "DTEND;TZID=Europe/Berlin:20260327T030000", "RRULE:FREQ=DAILY;COUNT=4"
    )
    found = occurrences(daily, window=GAP)
    assert [f"{o.starts_at:%d %H:%M}" for o in found] == ["27 01:30", "28 01:30", "29 01:30", "30 00:30"]
    assert {o.ends_at - o.starts_at for o in found if o.ends_at} == {timedelta(minutes=30)}


def test_a_day_by_the_calendar_over_the_gap_has_23_hours_and_24_hours_by_the_clock_have_24() -> None:
    """RFC 5545 section 3.3.6: days are nominal, hours are exact."""
    nominal = entry(f"{BERLIN}20260328T120000", "DURATION:P1D", uid="nominal")
    exact = entry(f"{BERLIN}20260328T120000", "DURATION:PT24H", uid="exact")
    lengths = {o.uid: o.ends_at - o.starts_at for o in occurrences(nominal, exact, window=GAP) if o.ends_at}
    assert lengths == {"nominal": timedelta(hours=23), "exact": timedelta(hours=24)}


def test_a_time_that_comes_twice_means_the_first() -> None:
    """RFC 5545 section 3.3.5."""
    found = starts(
        entry(f"{BERLIN}20261025T023000", "DURATION:PT1H"), window=window("2026-10-01", "2026-11-01")
    )
    assert found == ["2026-10-25 00:30"]


@pytest.mark.parametrize(
    "length",
    [
        "DTEND;TZID=Europe/Berlin:20261124T080000",
        "DURATION:-PT1H",
        "DTEND;TZID=Europe/Berlin:20261124T100000",
        "SEQUENCE:1",
    ],
)
def test_what_ends_before_it_starts_or_never_has_no_end(length: str) -> None:
    (found,) = occurrences(entry(f"{BERLIN}20261124T100000", length))
    assert (found.starts_at, found.ends_at) == (datetime(2026, 11, 24, 9, tzinfo=UTC), None)


def test_start_and_end_may_be_in_different_zones() -> None:
    (found,) = occurrences(entry(f"{BERLIN}20261124T100000", "DTEND;TZID=Asia/Tokyo:20261125T080000"))
    assert found.ends_at == datetime(2026, 11, 24, 23, tzinfo=UTC)
