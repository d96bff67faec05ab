"""Recurrence rules (RFC 5545 section 3.3.10).

This module expands *plain* rules itself: daily and weekly ones, which are the most, by counting days,
monthly and yearly ones with dateutil's ``rrule``. Other rules are validated by icalendar and expanded
by recurring-ical-events.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast

from dateutil import rrule
from icalendar.prop import vRecur

from eventupdate.times import Time, read_time

Until = Callable[[Time], Time]
"""Brings the end of a rule to the type and zone of its series."""

MAX_RULE: Final = 5000
"""Most characters of a rule; a list of all days of a year has 1,500."""
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAYS: Final = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)
_FREQUENCIES: Final = {
    "DAILY": rrule.DAILY,
    "WEEKLY": rrule.WEEKLY,
    "MONTHLY": rrule.MONTHLY,
    "YEARLY": rrule.YEARLY,
}
_DAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBERS: Final = r"[+-]?\d{1,3}(?:,[+-]?\d{1,3})*"
_PLAIN: Final = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY"),
    "INTERVAL": re.compile(r"\d{1,4}"),
    "COUNT": re.compile(r"\d{1,6}"),
    "UNTIL": re.compile(r"\d{8}(?:T\d{6}Z?)?"),
    "BYDAY": re.compile(rf"{_DAY.pattern}(?:,{_DAY.pattern})*"),
    "BYMONTHDAY": re.compile(_NUMBERS),
    "BYMONTH": re.compile(r"\d{1,2}(?:,\d{1,2})*"),
    "BYSETPOS": re.compile(_NUMBERS),
    "WKST": re.compile("|".join(_DAYS)),
}


_PARTS: Final = _PLAIN.keys() | {"BYSECOND", "BYMINUTE", "BYHOUR", "BYYEARDAY", "BYWEEKNO"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A valid recurrence rule."""

    text: str
    """The rule by RFC 5545, with an UNTIL of the required type (section 3.3.10)."""
    parts: Mapping[str, str]
    """Its parts by name; empty unless it is plain."""
    until: Time | None = None
    """An instant in UTC, or a date for a series of days."""
    note: str = ""
    """What was passed over, else ""."""

    @property
    def is_plain(self) -> bool:
        """Whether ``days`` can expand it."""
        return bool(self.parts)

    def days(self, start: date, first: date, last: date) -> Iterator[date]:
        """Yield the days from ``first`` to ``last`` (inclusive) of a series that begins on ``start``.

        Only for plain rules. ``until`` is ignored, as it is an instant and not a day.
        """
        return (self._counted if self._is_counted() else self._by_dateutil)(start, first, last)

    def _is_counted(self) -> bool:
        """Say whether the days have a fixed distance, so that they can be counted."""
        parts = self.parts
        if parts.keys() - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}:
            return False
        by_day = parts.get("BYDAY", "")
        if any(not name[:1].isalpha() for name in by_day.split(",") if name):
            return False
        if parts["FREQ"] == "DAILY":
            return not by_day or int(parts.get("INTERVAL", 1)) == 1
        return parts["FREQ"] == "WEEKLY"

    def _counted(self, start: date, first: date, last: date) -> Iterator[date]:
        parts = self.parts
        interval, count = int(parts.get("INTERVAL", 1)), int(parts.get("COUNT", 0))
        by_day = parts.get("BYDAY")
        if parts["FREQ"] == "DAILY" and not by_day:
            base, period, offsets = start, interval, [0]
        else:
            week_start = _DAYS.index(parts.get("WKST", "MO"))
            base = start - timedelta(days=(start.weekday() - week_start) % 7)
            names = by_day.split(",") if by_day else [_DAYS[start.weekday()]]
            period = 7 * interval
            offsets = sorted({(_DAYS.index(name) - week_start) % 7 for name in names})
        before = sum(offset < (start - base).days for offset in offsets)
        # The number of the first day in the range, counted from ``base``.
        number = max(before, max(0, (first - base).days // period) * len(offsets))
        while not count or number - before < count:
            round_, place = divmod(number, len(offsets))
            day = base + timedelta(days=round_ * period + offsets[place])
            if day > last:
                return
            if day >= first:
                yield day
            number += 1

    def _by_dateutil(self, start: date, first: date, last: date) -> Iterator[date]:
        parts = self.parts
        rule = rrule.rrule(
            cast("Any", _FREQUENCIES[parts["FREQ"]]),
            dtstart=datetime.combine(start, time.min),
            interval=int(parts.get("INTERVAL", 1)),
            count=int(parts["COUNT"]) if "COUNT" in parts else None,
            wkst=_WEEKDAYS[_DAYS.index(parts["WKST"])] if "WKST" in parts else None,
            byweekday=_weekdays(parts.get("BYDAY", "")),
            bymonthday=_numbers(parts.get("BYMONTHDAY", "")),
            bymonth=_numbers(parts.get("BYMONTH", "")),
            bysetpos=_numbers(parts.get("BYSETPOS", "")),
        )
        for moment in rule:
            day = moment.date()
            if day > last:
                return
            if day >= first:
                yield day


def read_rule(text: str, start: Time, fit: Until) -> Rule:
    """Read the rule of a series with this start. ``fit`` brings its UNTIL to the series' type and zone.

    Empty and unknown parts are passed over (RFC 5545 section 3.3.10 allows neither). Raises ``ValueError``
    for a rule that can't be read.
    """
    if len(text) > MAX_RULE:
        raise ValueError(text[:MAX_RULE])
    parts, note = _known_parts(text)
    if parts.keys() & {"BYWEEKNO"} and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        parts["BYDAY"] = _DAYS[start.weekday()]
    if "FREQ" not in parts or any(
        name not in _PLAIN or not _PLAIN[name].fullmatch(value) for name, value in parts.items()
    ):
        return replace(_read_other(_joined(parts), fit), note=note)
    for name in ("INTERVAL", "COUNT"):
        if name in parts and int(parts[name]) < 1:
            del parts[name]
    until = None
    if "UNTIL" in parts:
        parts.pop("COUNT", None)  # RFC 5545 allows only one of them; calendars show the date
        until = fit(read_time(parts["UNTIL"]))
        parts["UNTIL"] = _written(until)
    return Rule(_joined(parts), parts, until, note)


def _known_parts(text: str) -> tuple[dict[str, str], str]:
    """Return the parts that RFC 5545 defines, and a note about others.

    Raises ``ValueError`` for another calendar system (RFC 7529).
    """
    given = dict(part.strip().split("=", 1) for part in text.upper().split(";") if "=" in part)
    if given.get("RSCALE", "") not in {"", "GREGORIAN", "GREGORY"}:
        raise ValueError(text)
    parts = {name: value for name, value in given.items() if name in _PARTS and value}
    if given.get("SKIP", "OMIT") != "OMIT" and not _never_skips(parts):
        return parts, "the SKIP of its RRULE is passed over"
    others = given.keys() - _PARTS - {"RSCALE", "SKIP"}
    odd = sorted(name for name in others if not name.startswith("X-"))
    return parts, f"the part {odd[0][:20]} of its RRULE is passed over" if odd else ""


def _never_skips(parts: Mapping[str, str]) -> bool:
    """Say whether all days of a rule exist in each month, so that SKIP changes nothing."""
    return parts.get("FREQ") in {"DAILY", "WEEKLY"} or "BYDAY" in parts


def _joined(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _read_other(text: str, fit: Until) -> Rule:
    """Read a rule that is not plain, with checks that dateutil does not make."""
    msg = "its RRULE can't be read"
    try:
        rule = vRecur.from_ical(text)
    except ValueError as error:
        raise ValueError(msg) from error
    for name in ("INTERVAL", "COUNT"):
        if any(int(number) < 1 for number in rule.get(name, [])):
            del rule[name]
    if not rule.get("FREQ"):
        raise ValueError(msg)
    last = None
    until = rule.get("UNTIL")
    if until:
        rule.pop("COUNT", None)
        last = fit(until[0] if isinstance(until, list) else until)
        rule["UNTIL"] = [last]
    return Rule(str(cast("Any", rule).to_ical().decode()), {}, last)


def _written(value: Time) -> str:
    return f"{value:%Y%m%dT%H%M%SZ}" if isinstance(value, datetime) else f"{value:%Y%m%d}"


def _numbers(text: str) -> list[int] | None:
    return [int(number) for number in text.split(",")] if text else None


def _weekdays(text: str) -> list[Any] | None:
    found = (_DAY.fullmatch(name) for name in text.split(",") if name)
    days = [(_WEEKDAYS[_DAYS.index(match[2])], match[1]) for match in found if match]
    return [day(int(number)) if number else day for day, number in days] or None
