"""Normalising a VEVENT: each time is aware or a date, and each rule has the type of the start.

Producers mix dates and times, floating times and zones, in ways that RFC 5545 forbids. They are
interpreted here, so that the expansion has no special cases.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from eventupdate.lines import MALFORMED, MAX_DATES, Lines
from eventupdate.properties import Properties, Property, first_value, read_properties
from eventupdate.rules import Rule, read_rule
from eventupdate.times import MAX_LENGTH, Length, Time, read_duration, read_sequence, read_time, to_utc
from eventupdate.zones import Zones

Added = Time | tuple[Time, timedelta]
"""An RDATE: a start, or a start with its own length."""

_REPEATING: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A normalised VEVENT: its times are aware or dates, all of the type of its start."""

    uid: str
    properties: Properties
    """All properties as they were read, for texts and links."""
    start: Time
    length: Length
    sequence: int
    recurrence_id: Time | None
    """Which occurrence of its series it replaces."""
    is_this_and_future: bool
    """It replaces that occurrence and all later ones."""
    rules: tuple[Rule, ...]
    added: tuple[Added, ...]
    excluded: tuple[Time, ...]
    exclusion_rules: tuple[Rule, ...] = ()
    """EXRULEs (RFC 2445 section 4.8.5.2), which exclude what they yield."""
    note: str = ""
    """What was passed over, as its start does not need it; else ""."""
    problem: str = ""
    """Why not all of its occurrences are known; else ""."""

    @property
    def is_series(self) -> bool:
        """Whether it recurs, or replaces an occurrence of a series."""
        return bool(self.rules or self.added) or self.recurrence_id is not None


def read_entry(uid: str, properties: Properties, zones: Zones, core: "Entry | None" = None) -> Entry:
    """Read a VEVENT. ``core`` is the entry of the series, for an entry that replaces an occurrence.

    What the start does not need and can't be read is passed over, and named in ``note`` or ``problem``.
    Raises ``ValueError`` (with a reason to show) for a start that can't be read.
    """
    if MALFORMED in properties:
        raise ValueError(first_value(properties, MALFORMED))
    dates = [*properties.get("RDATE", ()), *properties.get("EXDATE", ())]
    if sum(prop.value.count(",") + 1 for prop in dates) <= MAX_DATES:
        return _Regular(properties, zones, core).entry(uid)
    alone = {name: found for name, found in properties.items() if name not in _REPEATING}
    msg = f"it has more than {MAX_DATES} single dates; only its first start counts"
    return replace(_Regular(alone, zones, core).entry(uid), problem=msg)


def read_lines(uid: str, lines: Lines, zones: Zones, core: "Entry | None" = None) -> Entry:
    """Read the lines of a VEVENT, as ``read_entry`` does."""
    return read_entry(uid, read_properties(lines), zones, core)


def replaces_occurrence(properties: Properties) -> bool:
    """Say whether a VEVENT replaces an occurrence of a series.

    One with a rule of its own is the series if its RECURRENCE-ID can't be read.
    """
    text = first_value(properties, "RECURRENCE-ID")
    if not text or not first_value(properties, "RRULE"):
        return bool(text)
    try:
        return bool(properties["RECURRENCE-ID"][0].times())
    except ValueError:
        return False


class _Regular:
    """Normalises the times of one component."""

    def __init__(self, properties: Properties, zones: Zones, core: Entry | None) -> None:
        self.properties = properties
        self.zones = zones
        self.core = core
        self.notes: list[str] = []
        self.problems: list[str] = []
        start = self._time("DTSTART")
        if start is None:
            msg = "it has no start"
            raise ValueError(msg)
        self.start: Time = start

    def entry(self, uid: str) -> Entry:
        """Return the entry."""
        sequence = read_sequence(first_value(self.properties, "SEQUENCE"))
        parts = self.properties.get("RECURRENCE-ID")
        rules = {rule.text: rule for rule in self._rules("RRULE", self.problems)}
        return Entry(
            uid=uid,
            properties=self.properties,
            start=self.start,
            length=self._length(),
            sequence=sequence,
            recurrence_id=self._recurrence_id(),
            is_this_and_future=parts is not None and "RANGE=THISANDFUTURE" in parts[0].head.upper(),
            rules=tuple(rules.values()),
            added=tuple(self._added()),
            excluded=tuple(self._excluded()),
            exclusion_rules=tuple(self._rules("EXRULE", self.notes)),
            problem=next(iter(self.problems), ""),
            note=next(iter(self.notes), ""),
        )

    def _time(self, name: str) -> Time | None:
        """Return the first value of a property in its zone; None for an empty one."""
        if not first_value(self.properties, name):
            return None
        prop = self.properties[name][0]
        try:
            (value,) = prop.times()
        except ValueError as error:
            raise ValueError(_unreadable(name)) from error
        return self._placed(value, prop)

    def _placed(self, value: Time, prop: Property, zone: tzinfo | None = None) -> Time:
        """Return a date or an instant in UTC unchanged, and a local time in its zone."""
        if not isinstance(value, datetime) or value.tzinfo is not None:
            return value
        tzid = prop.zone
        return value.replace(tzinfo=self.zones.find(tzid) if tzid else zone or self.zones.default)

    def _length(self) -> Length:
        try:
            end = self._time("DTEND")
        except ValueError as error:
            self.notes.append(str(error))
            end = None
        if end is not None:
            return Length.until(self.start, end if isinstance(self.start, datetime) else self._day(end))
        try:
            return Length.of(self.start, first_value(self.properties, "DURATION"))
        except ValueError as error:
            self.notes.append(str(error))
            return Length.of(self.start, "")

    def _recurrence_id(self) -> Time | None:
        """Return the RECURRENCE-ID in the type and zone of the series."""
        if not replaces_occurrence(self.properties):
            return None
        try:
            value = self._time("RECURRENCE-ID")
        except ValueError as error:
            # It takes place, but which occurrence it replaces is not known.
            self.problems.append(str(error))
            return self.start
        if value is None:
            return None
        model = self.core.start if self.core else self.start
        if not isinstance(model, datetime):
            return self._day(value)
        if not isinstance(value, datetime):
            return datetime.combine(value, model.timetz())
        prop = self.properties["RECURRENCE-ID"][0]
        is_floating = not prop.zone and prop.value.strip()[-1:] not in {"Z", "z"}
        zone = self.zones.default if model.tzinfo is UTC else model.tzinfo
        return value.replace(tzinfo=zone) if is_floating else value

    def _zone(self) -> tzinfo | None:
        zone = self.start.tzinfo if isinstance(self.start, datetime) else None
        # A local time next to a start in UTC is in the calendar's zone.
        return None if zone is UTC else zone

    def _day(self, value: Time) -> date:
        """Return the date of a value: in its own zone, and of an instant in UTC in the zone that is meant."""
        if not isinstance(value, datetime):
            return value
        return self.zones.day_of(value) if value.tzinfo is UTC else value.date()

    def _excluded(self) -> Iterator[Time]:
        for prop in self.properties.get("EXDATE", ()):
            for text in prop.parts():
                try:
                    yield self._fitted(self._placed(prop.time(text), prop, self._zone()))
                except ValueError:
                    self.notes.append(_unreadable("EXDATE"))

    def _added(self) -> Iterator[Added]:
        for prop in self.properties.get("RDATE", ()):
            for text in prop.parts():
                try:
                    if "/" in text:
                        yield self._period(text, prop)
                    else:
                        yield self._fitted(self._placed(prop.time(text), prop, self._zone()))
                except ValueError:
                    self.notes.append(_unreadable("RDATE"))

    def _period(self, text: str, prop: Property) -> Added:
        """Return the start and the length of a period (RFC 5545 section 3.3.9)."""
        begin, _, until = text.partition("/")
        start = self._placed(read_time(begin), prop, self._zone())
        if not isinstance(self.start, datetime) or not until:
            return self._fitted(start)
        try:
            if until[:1].isdigit():
                length = to_utc(self._placed(read_time(until), prop, self._zone()), UTC) - to_utc(start, UTC)
            else:
                days, exact = read_duration(until)
                length = timedelta(days=days) + exact
        except ValueError:
            self.notes.append(_unreadable("RDATE"))
            return self._fitted(start)
        return start, min(max(length, timedelta(0)), MAX_LENGTH)

    def _fitted(self, value: Time) -> Time:
        """Return a value of the type of the start: a date gets the start's time, or a time loses it."""
        if isinstance(self.start, datetime):
            return value if isinstance(value, datetime) else datetime.combine(value, self.start.timetz())
        return self._day(value)

    def _rules(self, name: str, failures: list[str]) -> Iterator[Rule]:
        for prop in self.properties.get(name, ()):
            text = prop.value.strip()
            try:
                rule = read_rule(text, self.start, self._last) if text else None
            except ValueError:
                failures.append(_unreadable(name))
                continue
            if rule is not None:
                self.notes += [rule.note] if rule.note else []
                yield rule

    def _last(self, value: Time) -> Time:
        start = self.start
        if not isinstance(start, datetime):
            return self._day(value)
        if not isinstance(value, datetime):
            # A date includes its whole day.
            return datetime.combine(value, time(23, 59, 59), tzinfo=start.tzinfo).astimezone(UTC)
        if value.tzinfo is None:
            value = value.replace(tzinfo=start.tzinfo)
        return value.astimezone(UTC)


def _unreadable(name: str) -> str:
    return f"its {name} can't be read"
