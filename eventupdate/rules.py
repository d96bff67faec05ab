"""Recurrence rules (RFC 5545 section 3.3.10): reading them; ``recurrence`` expands them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from eventupdate.times import Time, read_time

Until = Callable[[Time], Time]
"""Brings the end of a rule to the type and zone of its series."""

MAX_RULE: Final = 5000
"""Most characters of a rule; a list of all days of a year has 1,500."""
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY: Final = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(_WEEKDAYS)})")
_NUMBERS: Final = r"[+-]?\d{1,3}(?:,[+-]?\d{1,3})*"
_NATURALS: Final = r"\d{1,2}(?:,\d{1,2})*"
_PARTS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "FREQ": "SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY",
        "INTERVAL": r"[+-]?\d{1,9}",
        "COUNT": r"[+-]?\d{1,12}",
        "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
        "BYSECOND": _NATURALS,
        "BYMINUTE": _NATURALS,
        "BYHOUR": _NATURALS,
        "BYDAY": rf"{_DAY.pattern}(?:,{_DAY.pattern})*",
        "BYMONTHDAY": _NUMBERS,
        "BYYEARDAY": _NUMBERS,
        "BYWEEKNO": _NUMBERS,
        "BYMONTH": _NATURALS,
        "BYSETPOS": _NUMBERS,
        "WKST": "|".join(_WEEKDAYS),
    }.items()
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A valid recurrence rule. Each of its lists of numbers is in order, and empty if the rule has no such part."""

    text: str
    """The rule as it was read."""
    frequency: str
    interval: int = 1
    count: int = 0
    """0 for a rule without COUNT."""
    until: Time | None = None
    """An instant in UTC, or a date for a series of days."""
    week_start: int = 0
    """0 for Monday."""
    seconds: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    """Number and weekday of BYDAY: (2, 1) is the second Tuesday, (0, 1) each one."""
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    note: str = ""
    """What was passed over, else ""."""


def read_rule(text: str, start: Time, fit: Until) -> Rule:
    """Read the rule of a series with this start. ``fit`` brings its UNTIL to the series' type and zone.

    Empty and unknown parts are passed over (RFC 5545 section 3.3.10 allows neither), and COUNT next to UNTIL: only
    one of them is allowed, and calendars show the date. Raises ``ValueError`` for a rule that can't be read.
    """
    if len(text) > MAX_RULE:
        raise ValueError(text[:MAX_RULE])
    parts, note = _known_parts(text)
    if parts.keys() & {"BYWEEKNO"} and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        parts["BYDAY"] = _WEEKDAYS[start.weekday()]
    if "FREQ" not in parts or any(not _PARTS[name].fullmatch(value) for name, value in parts.items()):
        raise ValueError(text)
    until = fit(read_time(parts["UNTIL"])) if "UNTIL" in parts else None
    return Rule(
        text=";".join(f"{name}={value}" for name, value in parts.items()),
        frequency=parts["FREQ"],
        interval=max(1, int(parts.get("INTERVAL", 1))),
        count=0 if until else max(0, int(parts.get("COUNT", 0))),
        until=until,
        week_start=_WEEKDAYS.index(parts.get("WKST", "MO")),
        seconds=_numbers(parts, "BYSECOND"),
        minutes=_numbers(parts, "BYMINUTE"),
        hours=_numbers(parts, "BYHOUR"),
        weekdays=tuple(sorted(set(_numbered_weekdays(parts)))),
        month_days=_numbers(parts, "BYMONTHDAY"),
        year_days=_numbers(parts, "BYYEARDAY"),
        weeks=_numbers(parts, "BYWEEKNO"),
        months=_numbers(parts, "BYMONTH"),
        positions=_numbers(parts, "BYSETPOS"),
        note=note,
    )


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
    others = given.keys() - _PARTS.keys() - {"RSCALE", "SKIP"}
    odd = sorted(name for name in others if not name.startswith("X-"))
    return parts, f"the part {odd[0][:20]} of its RRULE is passed over" if odd else ""


def _never_skips(parts: Mapping[str, str]) -> bool:
    """Say whether all days of a rule exist in each month, so that SKIP changes nothing."""
    return parts.get("FREQ") in {"DAILY", "WEEKLY"} or "BYDAY" in parts


def _numbers(parts: Mapping[str, str], name: str) -> tuple[int, ...]:
    text = parts.get(name)
    return tuple(sorted({int(number) for number in text.split(",")})) if text else ()


def _numbered_weekdays(parts: Mapping[str, str]) -> Iterable[tuple[int, int]]:
    found = (_DAY.fullmatch(name) for name in parts.get("BYDAY", "").split(","))
    return [(int(match[1] or 0), _WEEKDAYS.index(match[2])) for match in found if match]
