"""One VEVENT made regular: every time aware or a plain date, every rule of the type of its start.

Producers mix dates and times, floating times and zones, in ways that RFC 5545 forbids and that
people rely on all the same. What they mean is settled here once, so that expanding is plain.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import Any, Final, cast

from icalendar import Event
from icalendar.prop import vRecur

from eventupdate.lines import Lines, property_name, value_of
from eventupdate.times import MAX_LENGTH, Length, Time, day_of, to_utc
from eventupdate.zones import Zones

Added = Time | tuple[Time, timedelta]
"""An RDATE: a start, perhaps with a length of its own."""

MAX_DATES: Final = 5000
"""RDATEs and EXDATEs of one entry, at most."""
_TIMES: Final = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"})
_ESSENTIAL: Final = _TIMES | {"RRULE"}
_ZONE: Final = re.compile(r';TZID=("[^"]*"|[^;]*)', re.IGNORECASE)
_VALUE: Final = re.compile(r";VALUE=\"?([A-Z-]+)\"?", re.IGNORECASE)
_DATE_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular VEVENT: its times are aware or plain dates, all of the type of its start."""

    uid: str
    component: Event
    """As it was read; what it says besides its times."""
    start: Time
    length: Length
    sequence: int
    recurrence_id: Time | None
    """Which occurrence of its series it replaces."""
    is_this_and_future: bool
    """It replaces that one and all that follow."""
    rules: frozenset[str]
    """RRULEs, with the UNTIL that RFC 5545 section 3.3.10 asks for."""
    added: tuple[Added, ...]
    excluded: tuple[Time, ...]

    @property
    def is_series(self) -> bool:
        """Whether it repeats, or replaces a part of what repeats."""
        return bool(self.rules or self.added) or self.recurrence_id is not None


def uid_of(lines: Lines) -> str:
    """Return an entry's UID; one made of its start and title where it has none."""
    uid = value_of(lines, "UID")
    if uid:
        return uid
    text = f"{value_of(lines, 'DTSTART')} {value_of(lines, 'SUMMARY')}"
    return f"no-uid-{sha256(text.encode()).hexdigest()[:32]}"


def zone_names(lines: Lines) -> set[str]:
    """Return the names of the zones that an entry's times are in."""
    # A time holds no colon, but the name of a zone may: what is before the last one.
    found = (_ZONE.search(line.rpartition(":")[0]) for line in lines if ";TZID=" in line.upper())
    return {match[1].strip('"') for match in found if match}


def read_entry(lines: Lines, zones: Zones, core: "Entry | None" = None) -> Entry:
    """Read a VEVENT's lines. ``core`` is the entry of the whole series, for one that replaces a part.

    Raises ``ValueError`` (with a few words for a person) for a time or a rule that can't be read.
    """
    if sum(line.count(",") for line in lines if property_name(line) in {"RDATE", "EXDATE"}) > MAX_DATES:
        msg = f"more than {MAX_DATES} single dates"
        raise ValueError(msg)
    text = "\r\n".join(["BEGIN:VEVENT", *(_regular_line(line) for line in lines), "END:VEVENT", ""])
    component = cast("Event", Event.from_ical(text))
    broken = sorted(name for name, _ in component.errors if name and name in _ESSENTIAL)
    if broken:
        msg = f"its {broken[0]} can't be read"
        raise ValueError(msg)
    return _Regular(component, zones, core).entry(uid_of(lines), value_of(lines, "DURATION"))


def _regular_line(line: str) -> str:
    """Return a line whose zone stands where icalendar does not act on it, and whose date is a date."""
    name = property_name(line)
    if name in {"DURATION", "DTSTAMP"}:
        return f"X-{name}:"
    if name not in _TIMES:
        return line
    # A time holds no colon, but Outlook's "TZID=(UTC+01:00) Amsterdam" does.
    head, _, value = line.rpartition(":")
    value = value.strip()
    if not value and name in {"RDATE", "EXDATE"}:
        return f"X-{name}:"
    kind = _VALUE.search(head)
    zone = _ZONE.search(head)
    reach = ";RANGE=THISANDFUTURE" if "RANGE=THISANDFUTURE" in head.upper() else ""
    if kind and kind[1].upper() == "DATE":
        value = ",".join(part.strip()[:_DATE_DIGITS] for part in value.split(","))
    is_period = kind is not None and kind[1].upper() == "PERIOD"
    named = ';X-ZONE="{}"'.format(zone[1].strip('"')) if zone else ""
    return f"{name}{reach}{';VALUE=PERIOD' if is_period else ''}{named}:{value}"


class _Regular:
    """Settles what one component's times mean."""

    def __init__(self, component: Event, zones: Zones, core: Entry | None) -> None:
        self.component: Any = component  # its properties are of a hundred types
        self.zones = zones
        self.core = core
        self.repeats = core is not None or any(n in component for n in ("RRULE", "RDATE", "RECURRENCE-ID"))
        start = self._time("DTSTART")
        if start is None:
            msg = "it has no start"
            raise ValueError(msg)
        self.start: Time = start

    def entry(self, uid: str, duration: str) -> Entry:
        """Return the entry. Raises ``ValueError`` for what can't be read."""
        component = self.component
        try:
            sequence = int(component.get("SEQUENCE", 0))
        except (TypeError, ValueError):
            sequence = 0
        prop = component.get("RECURRENCE-ID")
        return Entry(
            uid=uid,
            component=component,
            start=self.start,
            length=self._length(duration),
            sequence=sequence,
            recurrence_id=self._recurrence_id(),
            is_this_and_future=prop is not None and bool(prop.params.get("RANGE")),
            rules=frozenset(self._rules()),
            added=tuple(self._added()),
            excluded=tuple(
                self._fitted(value) for value in self._dates("EXDATE") if not isinstance(value, tuple)
            ),
        )

    def _time(self, name: str) -> Time | None:
        value = self.component.get(name)
        if isinstance(value, list):
            value = self.component[name] = value[0]
        if value is None:
            return None
        found = getattr(value, "dt", None)
        if not isinstance(found, date):
            msg = f"its {name} can't be read"
            raise ValueError(msg)  # noqa: TRY004 - it is the feed that is wrong
        return self._placed(found, value)

    def _placed(self, value: Time, prop: Any, zone: tzinfo | None = None) -> Time:
        """Return a date as it is, and a time in the zone that is meant."""
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is not None:
            # Google writes UTC and means the calendar's own zone: what repeats follows its clocks.
            return value.astimezone(self.zones.own) if self.zones.own and self.repeats else value
        tzid = getattr(prop, "params", {}).get("X-ZONE", "")
        return value.replace(tzinfo=self.zones.find(tzid) if tzid else zone or self.zones.default)

    def _length(self, duration: str) -> Length:
        end = self._time("DTEND")
        if end is not None:
            return Length.until(self.start, end)
        return Length.of(self.start, duration)

    def _recurrence_id(self) -> Time | None:
        """Return the RECURRENCE-ID in the type and zone of the series that it belongs to."""
        value = self._time("RECURRENCE-ID")
        if value is None:
            return None
        model = self.core.start if self.core else self.start
        prop = self.component["RECURRENCE-ID"]
        if not isinstance(model, datetime):
            return day_of(value, self.zones.default) if isinstance(value, datetime) else value
        if not isinstance(value, datetime):
            return datetime.combine(value, model.timetz())
        is_floating = prop.dt.tzinfo is None and not prop.params.get("X-ZONE")
        return value.replace(tzinfo=model.tzinfo) if is_floating else value

    def _dates(self, name: str) -> Iterator[Added]:
        """Yield the values of RDATE or EXDATE; a period as its start and length."""
        prop = self.component.get(name)
        zone = self.start.tzinfo if isinstance(self.start, datetime) else None
        for some in prop if isinstance(prop, list) else [prop] if prop is not None else []:
            for one in some.dts:
                if not isinstance(one.dt, tuple):
                    yield self._placed(one.dt, some, zone)
                    continue
                start, until = self._placed(one.dt[0], some, zone), one.dt[1]
                if not isinstance(until, timedelta):
                    until = to_utc(self._placed(until, some, zone), UTC) - to_utc(start, UTC)
                yield start, min(max(until, timedelta(0)), MAX_LENGTH)

    def _added(self) -> Iterator[Added]:
        for value in self._dates("RDATE"):
            if not isinstance(value, tuple):
                yield self._fitted(value)
            elif isinstance(self.start, datetime):
                yield value
            else:
                yield self._fitted(value[0])

    def _fitted(self, value: Time) -> Time:
        """Return a date with the usual time where the start has one, and without where it has none."""
        if isinstance(self.start, datetime):
            return value if isinstance(value, datetime) else datetime.combine(value, self.start.timetz())
        return day_of(value, self.zones.default) if isinstance(value, datetime) else value

    def _rules(self) -> Iterator[str]:
        rules = self.component.get("RRULE")
        if rules is None:
            return
        for rule in rules if isinstance(rules, list) else [rules]:
            yield self._rule(rule)

    def _rule(self, rule: vRecur) -> str:
        """Return a rule as text, after the checks that dateutil leaves out."""
        for name in ("INTERVAL", "COUNT"):
            if any(int(number) < 1 for number in rule.get(name, [])):
                del rule[name]
        if not rule.get("FREQ"):
            msg = "its RRULE can't be read"
            raise ValueError(msg)
        until = rule.get("UNTIL")
        if until:
            rule.pop("COUNT", None)  # the two exclude each other; the date is what a person sees
            rule["UNTIL"] = [self._last(until[0] if isinstance(until, list) else until)]
        return str(cast("Any", rule).to_ical().decode())

    def _last(self, value: Time) -> Time:
        start = self.start
        if not isinstance(start, datetime):
            return day_of(value, self.zones.default) if isinstance(value, datetime) else value
        if not isinstance(value, datetime):
            # The whole last day counts.
            return datetime.combine(value, time(23, 59, 59), tzinfo=start.tzinfo).astimezone(UTC)
        if value.tzinfo is None:
            value = value.replace(tzinfo=start.tzinfo)
        return value.astimezone(UTC)
