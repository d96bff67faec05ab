"""From a feed to occurrences: every single time at which an entry takes place, within a window.

recurring-ical-events does the arithmetic of repetition; this module gives it regular entries, a
bound in number and in time, and an end that is never before the start.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from itertools import islice
from time import monotonic
from typing import Any, Final

from icalendar.prop import vDDDTypes
from recurring_ical_events import EventAdapter, Series
from recurring_ical_events import Occurrence as Repetition

from common.errors import FeedError
from eventupdate.details import Details, read_details
from eventupdate.entries import Entry, read_entry, uid_of
from eventupdate.lines import Feed, Lines, property_name, value_of
from eventupdate.timelimit import TimeLimit, TooLong
from eventupdate.times import Length, Time, to_utc
from eventupdate.zones import Zones

MAX_OCCURRENCES: Final = 50_000
"""Occurrences of one calendar within a window, at most."""
MAX_OF_ONE: Final = 2_000
"""Occurrences of one entry within a window, at most: once an hour for two months, and some."""
SERIES_SECONDS: Final = 2.0
CALENDAR_SECONDS: Final = 60.0
_MARGIN: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)
_UID_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Window:
    """From when (inclusive) until when (exclusive) the starts of occurrences are of interest."""

    start: datetime
    stop: datetime

    def holds(self, instant: datetime) -> bool:
        """Say whether an instant lies within."""
        return self.start <= instant < self.stop


def window_at(at: datetime, days: int) -> Window:
    """Return the window of a sync at that instant: from a day before to so many days after.

    It rolls by whole days (UTC), so that an unchanged calendar is unchanged for a day.
    """
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(midnight - _DAY, midnight + timedelta(days=days + 1))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which an entry takes place. Instants are aware and in UTC."""

    uid: str
    recurrence_id: str
    """The start that the series gave it ("20261120T090000Z", or "20261120" for a day), which stays
    when it is moved; "" for an entry that does not repeat."""
    starts_at: datetime
    ends_at: datetime | None
    """None where the entry names no end."""
    is_all_day: bool
    details: Details

    @property
    def external_id(self) -> str:
        """What it is called among the events of its calendar."""
        return f"{uid_key(self.uid)}#{self.recurrence_id}"

    @property
    def is_canceled(self) -> bool:
        """Whether the calendar says that it does not take place."""
        return self.details.status == "cancelled"


@dataclass(slots=True)
class Expansion:
    """What a feed says about a window."""

    occurrences: list[Occurrence] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    """The UIDs that could not be read, each with the reason. What is stored of them stays."""
    unknown_zones: list[str] = field(default_factory=list)

    @property
    def problem(self) -> str:
        """What a person should know of it, in at most 300 characters; "" when all is well."""
        parts = []
        if self.broken:
            uid, reason = next(iter(self.broken.items()))
            count = len(self.broken)
            what = "One entry" if count == 1 else f"{count} entries"
            stays = "was left as it was" if count == 1 else "were left as they were"
            parts.append(f"{what} can't be read and {stays}; of “{uid[:60]}”, {reason[:100]}.")
        if self.unknown_zones:
            zone = self.unknown_zones[0][:60]
            parts.append(f"The time zone “{zone}” is not known; the calendar's own is taken.")
        return " ".join(parts)[:300]


def uid_key(uid: str) -> str:
    """Return the part of an external id that stands for the UID: itself, or a hash of a long one."""
    return uid if len(uid) <= _UID_LENGTH else sha256(uid.encode()).hexdigest()


def expand(feed: Feed, window: Window, default_time_zone: str = "") -> Expansion:
    """Return the occurrences whose start lies in the window, sorted by start.

    Times without a zone are in ``default_time_zone``, else in the calendar's own, else in UTC. An
    entry that can't be read is named in ``broken`` and spoils nothing else.

    Raises ``FeedError`` for a calendar with more than ``MAX_OCCURRENCES``, or one that takes
    longer than ``CALENDAR_SECONDS`` to expand.
    """
    zones = Zones(feed.zones, [default_time_zone, feed.time_zone])
    groups: dict[str, list[Lines]] = defaultdict(list)
    for lines in feed.entries:
        groups[uid_of(lines)].append(lines)
    expansion = Expansion()
    found: dict[str, Occurrence] = {}
    with TimeLimit(SERIES_SECONDS) as limit:
        spent = _Spent(CALENDAR_SECONDS)
        for uid, group in groups.items():
            if len(group) == 1 and _is_over(group[0], window):
                continue
            for occurrence in _expand_one(uid, group, zones, window, limit, expansion):
                found[occurrence.external_id] = occurrence
            if len(found) > MAX_OCCURRENCES:
                days = (window.stop - window.start).days
                msg = f"The calendar has more than {MAX_OCCURRENCES} entries within {days} days."
                raise FeedError(msg)
            spent.check()
    expansion.occurrences = sorted(found.values(), key=lambda o: (o.starts_at, o.external_id))
    expansion.unknown_zones = list(zones.unknown)
    return expansion


def _is_over(lines: Lines, window: Window) -> bool:
    """Say of an entry that can't repeat whether it was over well before the window.

    Most entries of an old calendar are: they need not be read any further.
    """
    names = {property_name(line) for line in lines}
    if names & {"RRULE", "RDATE", "RECURRENCE-ID", "DURATION"} or "DTSTART" not in names:
        return False
    before = (window.start - _MARGIN).strftime("%Y%m%d")
    days = [line.rpartition(":")[2].strip()[:8] for line in lines if property_name(line) == "DTSTART"]
    return all(len(day) == len(before) and day.isdigit() and day < before for day in days)


class _Spent:
    """The time that a calendar has taken."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def check(self) -> None:
        if monotonic() > self._until:
            msg = "The calendar takes too long to read: its entries repeat in too many ways."
            raise FeedError(msg)


def _expand_one(
    uid: str, group: Sequence[Lines], zones: Zones, window: Window, limit: TimeLimit, expansion: Expansion
) -> list[Occurrence]:
    """Return the occurrences of one UID; none of them when a part of it can't be read."""
    try:
        with limit.piece():
            found = list(islice(_occurrences(uid, group, zones, window), MAX_OF_ONE + 1))
    except TooLong:
        expansion.broken[uid] = "its rule of repetition takes too long"
    except ValueError as error:
        expansion.broken[uid] = str(error) or "it can't be read"
    except Exception as error:  # noqa: BLE001 - the libraries raise anything on what they did not expect
        expansion.broken[uid] = f"it can't be read ({type(error).__name__})"
    else:
        if len(found) <= MAX_OF_ONE:
            return found
        expansion.broken[uid] = f"it repeats more than {MAX_OF_ONE} times"
    return []


def _occurrences(uid: str, group: Sequence[Lines], zones: Zones, window: Window) -> Iterator[Occurrence]:
    """Yield the occurrences of one UID whose start lies in the window."""
    cores = [read_entry(lines, zones) for lines in group if not value_of(lines, "RECURRENCE-ID")]
    # Of several with one UID the newest counts (RFC 5545 section 3.8.7.4); of equals the last.
    core = max(reversed(cores), key=lambda entry: entry.sequence, default=None)
    parts = [read_entry(lines, zones, core) for lines in group if value_of(lines, "RECURRENCE-ID")]
    if core is not None and not core.is_series and not parts:
        occurrence = _made(uid, "", core.start, core.length, zones.default, read_details(core.component))
        if window.holds(occurrence.starts_at):
            yield occurrence
        return
    entries = [_Adapter(entry) for entry in (*([core] if core else []), *parts)]
    details: dict[int, Details] = {}
    for found in _Series(entries).between(window.start - _MARGIN, window.stop + _MARGIN):
        entry = found.entry
        if id(entry) not in details:
            details[id(entry)] = read_details(entry.component)
        name = _recurrence_name(found.original, zones.default)
        length = entry.length if found.length is None else Length(0, found.length)
        occurrence = _made(uid, name, found.start, length, zones.default, details[id(entry)])
        if window.holds(occurrence.starts_at):
            yield occurrence


def _made(uid: str, name: str, start: Time, length: Length, zone: tzinfo, details: Details) -> Occurrence:
    starts_at, ends_at = to_utc(start, zone), length.end(start, zone)
    is_all_day = not isinstance(start, datetime)
    return Occurrence(uid, name, starts_at, ends_at if ends_at > starts_at else None, is_all_day, details)


def _recurrence_name(original: Time, zone: tzinfo) -> str:
    if isinstance(original, datetime):
        return to_utc(original, zone).strftime("%Y%m%dT%H%M%SZ")
    return original.strftime("%Y%m%d")


class _Repetition(Repetition):  # type: ignore[misc]
    """An occurrence as recurring-ical-events makes it, with what tells it from its siblings."""

    def __init__(self, adapter: "_Adapter", start: Time | None, end: Time | None) -> None:
        """Note which start the series gave it, and whether it has a length of its own."""
        super().__init__(adapter, start, end)
        self.entry = adapter.entry
        if start is None:
            # It replaces one of the series.
            self.original = self.entry.recurrence_id or self.start
        else:
            self.original = start - adapter.move_recurrences_by
        wall = None if start is None or end is None else end - start
        self.length: timedelta | None = None if wall is None or wall == adapter.duration else wall


class _Adapter(EventAdapter):  # type: ignore[misc]
    """Gives a regular entry to recurring-ical-events."""

    def __init__(self, entry: Entry) -> None:
        """Stand for one entry."""
        super().__init__(entry.component)
        self.entry = entry
        if entry.recurrence_id is not None:
            entry.component["RECURRENCE-ID"] = vDDDTypes(entry.recurrence_id)

    @property
    def uid(self) -> str:
        return self.entry.uid

    @property
    def sequence(self) -> int:
        return self.entry.sequence

    @property
    def raw_start(self) -> Time:
        return self.entry.start

    @property
    def raw_end(self) -> Time:
        length = self.entry.length
        return self.entry.start + timedelta(days=length.days) + length.exact

    @property
    def rrules(self) -> set[str]:
        return set(self.entry.rules)

    @property
    def rdates(self) -> list[Any]:
        return list(self.entry.added)

    @property
    def exdates(self) -> list[Time]:
        return list(self.entry.excluded)

    @property
    def this_and_future(self) -> bool:
        return self.entry.is_this_and_future


class _Series(Series):  # type: ignore[misc]
    """A series that yields ``_Repetition``, which copies no component."""

    def occurrence(
        self, adapter: _Adapter, start: Time | None = None, end: Time | None = None
    ) -> _Repetition:
        """Return one occurrence."""
        return _Repetition(adapter, start, end)
