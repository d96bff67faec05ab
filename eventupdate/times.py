"""Times of entries, which may be dates or instants, and how long an entry lasts."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Self

Time = date | datetime

MAX_LENGTH: Final = timedelta(days=366)
"""Longer ones are cut: nobody means them, and they stretch the search over centuries."""
_LENGTH: Final = re.compile(
    r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?",
    re.IGNORECASE,
)
_DATE_DIGITS: Final = 8
_INSTANT_LENGTH: Final = 16


def to_utc(value: Time, zone: tzinfo) -> datetime:
    """Return an instant; a date begins at midnight in ``zone``.

    A local time that the clocks skip is read with the offset before the gap, one that comes twice
    means the first (RFC 5545 section 3.3.5): what Python does with ``fold=0``.
    """
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    return value.astimezone(UTC)


def day_of(value: datetime, zone: tzinfo) -> date:
    """Return the day that a producer means who writes a time where a date belongs."""
    if value.tzinfo is not None and value.astimezone(UTC).time() == time.min:
        return value.astimezone(UTC).date()
    return value.astimezone(zone).date() if value.tzinfo is not None else value.date()


def read_time(text: str) -> Time:
    """Return a date (20261124), a local time (20261124T090000) or an instant in UTC (…Z).

    Raises ``ValueError`` for anything else.
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
    second = min(int(clock[4:]), 59)  # a leap second (RFC 5545 section 3.3.12) is not Python's
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
    """Return a DURATION as days by the calendar and a time by the clock; a negative one is none.

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
    """How long an entry lasts: so many days by the calendar, and so much by the clock.

    They differ when the clocks change on the way: a day by the calendar then has 23 or 25 hours
    (RFC 5545 section 3.3.6).
    """

    days: int
    exact: timedelta

    def end(self, start: Time, zone: tzinfo) -> datetime:
        """Return the end in UTC of what starts then; never before its start."""
        begin = to_utc(start, zone)
        try:
            return max(begin, to_utc(start + timedelta(days=self.days), zone) + self.exact)
        except OverflowError:
            return begin

    @classmethod
    def until(cls, start: Time, end: Time) -> Self:
        """Return the length of what is between a start and an end."""
        if not isinstance(start, datetime):
            last = end.date() if isinstance(end, datetime) else end
            return cls._bounded(max(1, (last - start).days), timedelta(0))
        # The same exact length for every occurrence (RFC 5545 section 3.3.10). In a gap of the
        # clocks the start moves on and the end does not: then the length on the clock's face.
        exact = to_utc(end, start.tzinfo or UTC) - to_utc(start, UTC)
        if exact < timedelta(0):
            local = end if isinstance(end, datetime) else datetime.combine(end, time.min)
            exact = local.replace(tzinfo=None) - start.replace(tzinfo=None)
        return cls._bounded(0, max(exact, timedelta(0)))

    @classmethod
    def of(cls, start: Time, duration: str) -> Self:
        """Return the length that a DURATION says; what is usual for the start where it is "".

        Raises ``ValueError`` for one that can't be read.
        """
        days, exact = read_duration(duration) if duration else (0, timedelta(0))
        if isinstance(start, datetime):
            return cls._bounded(days, exact)
        return cls._bounded(max(1, days + -(-exact // timedelta(days=1))), timedelta(0))

    @classmethod
    def _bounded(cls, days: int, exact: timedelta) -> Self:
        return cls(min(days, MAX_LENGTH.days), min(exact, MAX_LENGTH))
