"""Normalising a VEVENT: each time is aware or a date, and each rule has the type of the start.

Producers mix dates and times, floating times and zones, in ways that RFC 5545 forbids. They are
interpreted here, so that the expansion has no special cases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from eventupdate.lines import Lines
from eventupdate.properties import Properties, Property, first_value, read_properties
from eventupdate.rules import Rule, read_rule
from eventupdate.times import MAX_LENGTH, Length, Time, day_of, read_duration, read_time, to_utc
from eventupdate.zones import Zones

Added = Time | tuple[Time, timedelta]
"""An RDATE: a start, or a start with its own length."""

MAX_DATES: Final = 5000
"""RDATEs and EXDATEs of one entry, at most."""


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

    @property
    def is_series(self) -> bool:
        """Whether it recurs, or replaces an occurrence of a series."""
        return bool(self.rules or self.added) or self.recurrence_id is not None


def read_entry(uid: str, properties: Properties, zones: Zones, core: "Entry | None" = None) -> Entry:
    """Read a VEVENT. ``core`` is the entry of the series, for an entry that replaces an occurrence.

    Raises ``ValueError`` (with a reason to show) for a time or a rule that can't be read.
    """
    dates = [*properties.get("RDATE", ()), *properties.get("EXDATE", ())]
    if sum(prop.value.count(",") for prop in dates) > MAX_DATES:
        msg = f"more than {MAX_DATES} single dates"
        raise ValueError(msg)
    return _Regular(properties, zones, core).entry(uid)


def read_lines(uid: str, lines: Lines, zones: Zones, core: "Entry | None" = None) -> Entry:
    """Read the lines of a VEVENT, as ``read_entry`` does."""
    return read_entry(uid, read_properties(lines), zones, core)


class _Regular:
    """Normalises the times of one component."""

    def __init__(self, properties: Properties, zones: Zones, core: Entry | None) -> None:
        self.properties = properties
        self.zones = zones
        self.core = core
        names = ("RRULE", "RDATE", "RECURRENCE-ID")
        self.repeats = core is not None or any(name in properties for name in names)
        start = self._time("DTSTART")
        if start is None:
            msg = "it has no start"
            raise ValueError(msg)
        self.start: Time = start

    def entry(self, uid: str) -> Entry:
        """Return the entry. Raises ``ValueError`` for what can't be read."""
        try:
            sequence = int(first_value(self.properties, "SEQUENCE") or 0)
        except ValueError:
            sequence = 0
        parts = self.properties.get("RECURRENCE-ID")
        rules = {rule.text: rule for rule in self._rules()}
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
        )

    def _time(self, name: str) -> Time | None:
        found = self.properties.get(name)
        if not found:
            return None
        try:
            (value,) = found[0].times()
        except ValueError as error:
            raise ValueError(_unreadable(name)) from error
        return self._placed(value, found[0])

    def _placed(self, value: Time, prop: Property, zone: tzinfo | None = None) -> Time:
        """Return a date unchanged, and a time in its zone."""
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is not None:
            # Google writes recurring entries in UTC, but they follow the clock of the calendar's zone.
            return value.astimezone(self.zones.own) if self.zones.own and self.repeats else value
        tzid = prop.zone
        return value.replace(tzinfo=self.zones.find(tzid) if tzid else zone or self.zones.default)

    def _length(self) -> Length:
        end = self._time("DTEND")
        if end is not None:
            return Length.until(self.start, end)
        return Length.of(self.start, first_value(self.properties, "DURATION"))

    def _recurrence_id(self) -> Time | None:
        """Return the RECURRENCE-ID in the type and zone of the series."""
        value = self._time("RECURRENCE-ID")
        if value is None:
            return None
        model = self.core.start if self.core else self.start
        if not isinstance(model, datetime):
            return day_of(value, self.zones.default) if isinstance(value, datetime) else value
        if not isinstance(value, datetime):
            return datetime.combine(value, model.timetz())
        prop = self.properties["RECURRENCE-ID"][0]
        is_floating = not prop.zone and prop.value.strip()[-1:] not in {"Z", "z"}
        return value.replace(tzinfo=model.tzinfo) if is_floating else value

    def _zone(self) -> tzinfo | None:
        return self.start.tzinfo if isinstance(self.start, datetime) else None

    def _excluded(self) -> Iterator[Time]:
        for prop in self.properties.get("EXDATE", ()):
            try:
                values = prop.times()
            except ValueError as error:
                raise ValueError(_unreadable("EXDATE")) from error
            yield from (self._fitted(self._placed(value, prop, self._zone())) for value in values)

    def _added(self) -> Iterator[Added]:
        for prop in self.properties.get("RDATE", ()):
            try:
                if "/" not in prop.value:
                    yield from (self._fitted(self._placed(v, prop, self._zone())) for v in prop.times())
                    continue
                periods = [part.strip() for part in prop.value.split(",") if part.strip()]
                yield from (self._period(period, prop) for period in periods)
            except ValueError as error:
                raise ValueError(_unreadable("RDATE")) from error

    def _period(self, text: str, prop: Property) -> Added:
        """Return the start and the length of a period (RFC 5545 section 3.3.9)."""
        begin, _, until = text.partition("/")
        start = self._placed(read_time(begin), prop, self._zone())
        if not isinstance(self.start, datetime) or not until:
            return self._fitted(start)
        if until[:1].isdigit():
            length = to_utc(self._placed(read_time(until), prop, self._zone()), UTC) - to_utc(start, UTC)
        else:
            days, exact = read_duration(until)
            length = timedelta(days=days) + exact
        return start, min(max(length, timedelta(0)), MAX_LENGTH)

    def _fitted(self, value: Time) -> Time:
        """Return a value of the type of the start: a date gets the start's time, or a time loses it."""
        if isinstance(self.start, datetime):
            return value if isinstance(value, datetime) else datetime.combine(value, self.start.timetz())
        return day_of(value, self.zones.default) if isinstance(value, datetime) else value

    def _rules(self) -> Iterator[Rule]:
        for prop in self.properties.get("RRULE", ()):
            try:
                yield read_rule(prop.value.strip(), self._last)
            except ValueError as error:
                raise ValueError(_unreadable("RRULE")) from error

    def _last(self, value: Time) -> Time:
        start = self.start
        if not isinstance(start, datetime):
            return day_of(value, self.zones.default) if isinstance(value, datetime) else value
        if not isinstance(value, datetime):
            # A date includes its whole day.
            return datetime.combine(value, time(23, 59, 59), tzinfo=start.tzinfo).astimezone(UTC)
        if value.tzinfo is None:
            value = value.replace(tzinfo=start.tzinfo)
        return value.astimezone(UTC)


def _unreadable(name: str) -> str:
    return f"its {name} can't be read"
