"""Times of entries, which are dates or instants, and the length of entries."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Self

Time = date | datetime

MAX_LENGTH: Final = timedelta(days=366)
"""Longer entries are cut: they are mistakes, and would extend the search over centuries."""
_LENGTH: Final = re.compile(
    r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?",
    re.IGNORECASE,
)
_DATE_DIGITS: Final = 8
_INSTANT_LENGTH: Final = 16


def to_utc(value: Time, zone: tzinfo) -> datetime:
    """Return the instant in UTC; a date begins at midnight in ``zone``.

    A local time in a gap has the offset before the gap, an ambiguous one means the first (RFC 5545
    section 3.3.5), which is Python's ``fold=0``.
    """
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC)


def read_sequence(text: str) -> int:
    """Return a SEQUENCE (RFC 5545 section 3.8.7.4); 0 for what is no number, or too long for one."""
    try:
        return int(text or 0)
    except ValueError:
        return 0


def read_time(text: str) -> Time:
    """Return a date (20261124), a local time (20261124T090000) or an instant in UTC (…Z).

    Raises ``ValueError`` for other text.
    """
    if not text.isascii():
        raise ValueError(text)
    if len(text) == _DATE_DIGITS and text.isdigit():
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    day, clock = text[:8], text[9:15]
    is_utc = len(text) == _INSTANT_LENGTH and text[15] in "Zz"
    is_whole = is_utc or len(text) == _INSTANT_LENGTH - 1
    if not (is_whole and text[8] in "Tt" and day.isdigit() and clock.isdigit()):
        raise ValueError(text)
    second = min(int(clock[4:]), 59)  # Python has no leap seconds (RFC 5545 section 3.3.12)
    return datetime(
        int(day[:4]),
        int(day[4:6]),
        int(day[6:]),
        int(clock[:2]),
        int(clock[2:4]),
        second,
        0,
        UTC if is_utc else None,
    )


def read_duration(text: str) -> tuple[int, timedelta]:
    """Return a DURATION as calendar days and an exact time; zero for a negative one.

    Raises ``ValueError`` for one that can't be read.
    """
    found = _LENGTH.fullmatch(text)
    if found is None:
        msg = "its DURATION can't be read"
        raise ValueError(msg)
    if found[1] == "-":
        return 0, timedelta(0)
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
    return weeks * 7 + days, timedelta(hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Length:
    """The length of an entry: calendar days and an exact time.

    They differ when the clocks change: a calendar day then has 23 or 25 hours (RFC 5545 section 3.3.6).
    """

    days: int
    exact: timedelta

    def end(self, start: Time, zone: tzinfo) -> datetime:
        """Return the end in UTC for a start; never before it."""
        begin = to_utc(start, zone)
        try:
            return max(begin, to_utc(start + timedelta(days=self.days), zone) + self.exact)
        except OverflowError:
            return begin

    @classmethod
    def until(cls, start: Time, end: Time) -> Self:
        """Return the length from a start to an end."""
        if not isinstance(start, datetime):
            last = end.date() if isinstance(end, datetime) else end
            return cls._bounded(max(1, (last - start).days), timedelta(0))
        # All occurrences have the same exact length (RFC 5545 section 3.3.10). If the start is in a gap
        # of the local time, it moves after the end: then the difference of the local times counts.
        exact = to_utc(end, start.tzinfo or UTC) - to_utc(start, UTC)
        if exact < timedelta(0):
            local = end if isinstance(end, datetime) else datetime.combine(end, time.min)
            exact = local.replace(tzinfo=None) - start.replace(tzinfo=None)
        return cls._bounded(0, max(exact, timedelta(0)))

    @classmethod
    def of(cls, start: Time, duration: str) -> Self:
        """Return the length by a DURATION; without one ("") the default for the type of the start.

        Raises ``ValueError`` for one that can't be read.
        """
        days, exact = read_duration(duration) if duration else (0, timedelta(0))
        if isinstance(start, datetime):
            return cls._bounded(days, exact)
        return cls._bounded(max(1, days + -(-exact // timedelta(days=1))), timedelta(0))

    @classmethod
    def _bounded(cls, days: int, exact: timedelta) -> Self:
        return cls(min(days, MAX_LENGTH.days), min(exact, MAX_LENGTH))
