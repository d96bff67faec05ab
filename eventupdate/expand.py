"""From the text of entries to their occurrences within a window.

``plain`` expands most series, recurring-ical-events those with RANGE=THISANDFUTURE. This module limits the number of
occurrences and the work of both, and never returns an end before a start.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from common.errors import FeedError
from eventupdate.details import Details, read_details
from eventupdate.entries import Entry
from eventupdate.exclusion import excluded_by_rules
from eventupdate.lines import Feed, Zone, read_blocks
from eventupdate.plain import is_plain, plain_repetitions
from eventupdate.repetition import Repetition, repetitions
from eventupdate.resources import uid_key
from eventupdate.series import Group, read_series
from eventupdate.times import Time, to_utc
from eventupdate.work import OCCURRENCE_STEPS, Share, TooMuchWorkError, Work
from eventupdate.zones import Zones

MAX_OCCURRENCES: Final = 200_000
"""Most occurrences of a calendar in a window: ten a day for 55 people and a year."""
MAX_OF_ONE: Final = 10_000
"""Most occurrences of an entry in a window: more than one an hour for a year."""
_MARGIN: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)
_DATE_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Window:
    """Occurrences count when they start from ``start`` (inclusive) to ``stop`` (exclusive)."""

    start: datetime
    stop: datetime

    def holds(self, instant: datetime) -> bool:
        """Say whether an instant is in the window."""
        return self.start <= instant < self.stop


def window_at(at: datetime, days: int) -> Window:
    """Return the window of a sync at an instant: from a day before it to ``days`` days after it.

    Its ends are midnights (UTC), so that it moves once a day.
    """
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(midnight - _DAY, midnight + timedelta(days=days + 1))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of an entry. Instants are aware and in UTC."""

    uid: str
    recurrence_id: str
    """The original start in the series ("20261120T090000Z", or "20261120" for a day), which does not
    change when the occurrence is moved; "" for an entry that does not recur."""
    starts_at: datetime
    ends_at: datetime | None
    """None for an entry without an end."""
    starts_on: date | None
    """The first day of an all-day occurrence, which is the same in each zone; None for others."""
    details: Details

    @property
    def external_id(self) -> str:
        """Its id among the events of its calendar."""
        return f"{uid_key(self.uid)}#{self.recurrence_id}"

    @property
    def is_all_day(self) -> bool:
        """Whether it is an all-day occurrence."""
        return self.starts_on is not None

    @property
    def is_canceled(self) -> bool:
        """Whether its status is "cancelled"."""
        return self.details.status == "cancelled"


@dataclass(frozen=True, slots=True)
class Expanded:
    """The occurrences of one UID within a window."""

    occurrences: Sequence[Occurrence] = ()
    problem: str = ""
    """Why it can't be read completely, else "". Its stored events stay; ``occurrences`` are those that are certain."""
    note: str = ""
    """What was passed over or is ambiguous, else ""; ``occurrences`` are complete."""
    unknown_zone: str = ""
    """The name of a time zone that is not known; the calendar's own was used."""
    is_recurring: bool = True
    starts_at: datetime | None = None
    """The start, inside or outside of the window; None for a recurring entry."""


class Expander:
    """Expands the series of one calendar."""

    def __init__(self, own_zones: Sequence[str]) -> None:
        """Use the first known zone of these names as the calendar's own zone, else UTC."""
        self._own_zones = list(own_zones)
        self._zones: dict[tuple[tuple[Zone, ...], tuple[str, ...]], Zones] = {}
        self._work = Work()
        self._count = 0

    @property
    def steps_left(self) -> int:
        """The steps that the calendar has left (see ``work``)."""
        return self._work.left

    def expand(self, uid: str, texts: Iterable[str], window: Window) -> Expanded:
        """Return the occurrences of all resources of one UID that start in the window.

        A series that can't be read completely has a ``problem`` and only the occurrences that are certain; the
        caller does not cancel others. Of one that exceeds ``MAX_OF_ONE`` or the limits of ``work`` these are its
        first start and what stands in the calendar by itself. Raises ``FeedError`` when all series together have
        more than ``MAX_OCCURRENCES``.
        """
        try:
            found = self._expand(uid, texts, window)
        except ValueError as error:
            found = _unread(str(error)[:100] or "it can't be read")
        except FeedError as error:
            found = _unread(error.message[:100])
        except Exception as error:  # noqa: BLE001 - the libraries raise any exception on unexpected input
            found = _unread(f"it can't be read ({type(error).__name__})")
        self._count += len(found.occurrences)
        if self._count > MAX_OCCURRENCES:
            days = (window.stop - window.start).days
            msg = f"The calendar has more than {MAX_OCCURRENCES} entries within {days} days."
            raise FeedError(msg)
        return found

    def _expand(self, uid: str, texts: Iterable[str], window: Window) -> Expanded:
        parts = [read_blocks(text) for text in texts]
        zones = self._zones_of(parts)
        zones.missed = ""
        series = read_series(uid, [lines for part in parts for lines in part.entries], zones)
        (core, changed), *others = series.groups
        if core is not None and not others and not (core.is_series or core.problem or changed):
            found = _single(core, zones.default, window)
        else:
            found = self._of_groups(series.groups, zones.default, window)
        found = replace(found, problem=series.problem or found.problem, note=series.note)
        return replace(found, unknown_zone=zones.missed[:60]) if zones.missed else found

    def _of_groups(self, groups: Iterable[Group], zone: tzinfo, window: Window) -> Expanded:
        # Of occurrences that the libraries return twice the last one counts.
        found: dict[str, Occurrence] = {}
        problem = ""
        share = self._work.share()
        for core, changed in groups:
            try:
                some = {one.recurrence_id: one for one in _limited(core, changed, zone, window, share)}
            except TooMuchWorkError as error:
                problem = str(error)
                certain = _occurrences(*_without_rules(core, changed), zone, window, share)
                some = {one.recurrence_id: one for one in certain}
            found |= some
        return Expanded(list(found.values()), problem)

    def _zones_of(self, parts: Sequence[Feed]) -> Zones:
        """Return the zones of the resources, cached by their definitions."""
        defined = tuple(zone for part in parts for zone in part.zones)
        # A VCALENDAR that names another zone than the feed's first one.
        key = (defined, tuple(part.time_zone for part in parts if part.time_zone))
        if key not in self._zones:
            member, *source = self._own_zones
            self._zones[key] = Zones(defined, [member, *key[1], *source], self._work)
        return self._zones[key]


def _unread(problem: str) -> Expanded:
    return Expanded(problem=problem, is_recurring=False)


def _single(entry: Entry, zone: tzinfo, window: Window) -> Expanded:
    starts_at = to_utc(entry.start, zone)
    if not window.holds(starts_at):
        return Expanded(is_recurring=False, starts_at=starts_at)
    once = Repetition(entry, entry.start, entry.start, entry.length)
    found = _made(once, "", starts_at, zone, read_details(entry.properties))
    return Expanded([found], is_recurring=False, starts_at=starts_at)


def _without_rules(core: Entry | None, changed: Sequence[Entry]) -> Group:
    """Return what of a series stands in the calendar by itself, which takes no counted work."""
    alone = [
        replace(one, rules=(), exclusion_rules=(), added=(), excluded=(), is_this_and_future=False)
        for one in changed
    ]
    return core and replace(core, rules=(), exclusion_rules=()), alone


def _limited(
    core: Entry | None, changed: Sequence[Entry], zone: tzinfo, window: Window, share: Share
) -> Iterator[Occurrence]:
    """Yield the occurrences of one UID that start in the window. Raises ``TooMuchWorkError``, for too many too."""
    for count, occurrence in enumerate(_occurrences(core, changed, zone, window, share)):
        if count >= MAX_OF_ONE + len(changed):
            msg = f"it repeats more than {MAX_OF_ONE} times; only its first start counts"
            raise TooMuchWorkError(msg)
        share.take(OCCURRENCE_STEPS)
        yield occurrence


def _occurrences(
    core: Entry | None, changed: Sequence[Entry], zone: tzinfo, window: Window, share: Share
) -> Iterator[Occurrence]:
    first, stop = window.start - _MARGIN, window.stop + _MARGIN
    if core is not None and core.exclusion_rules:
        core = replace(core, excluded=(*core.excluded, *excluded_by_rules(core, first, stop, share)))
    expand = plain_repetitions if is_plain(changed) else repetitions
    details: dict[int, Details] = {}
    for found in expand(core, changed, first, stop, share):
        starts_at = to_utc(found.start, zone)
        if not window.holds(starts_at):
            continue
        entry = found.entry
        if id(entry) not in details:
            details[id(entry)] = read_details(entry.properties)
        name = _recurrence_name(found.original, zone)
        yield _made(found, name, starts_at, zone, details[id(entry)])


def _made(found: Repetition, name: str, starts_at: datetime, zone: tzinfo, details: Details) -> Occurrence:
    length = found.length
    ends_at = length.end(found.start, zone) if length.days else starts_at + length.exact
    return Occurrence(
        found.entry.uid,
        name,
        starts_at,
        ends_at if ends_at > starts_at else None,
        None
        if isinstance(found.entry.start, datetime)
        else date(found.start.year, found.start.month, found.start.day),
        details,
    )


def _recurrence_name(original: Time, zone: tzinfo) -> str:
    """Return "20261120T090000Z" or "20261120"; by hand, in a third of the time of strftime."""
    text = (to_utc(original, zone) if isinstance(original, datetime) else original).isoformat()
    day = text[:4] + text[5:7] + text[8:10]
    return f"{day}T{text[11:13]}{text[14:16]}{text[17:19]}Z" if len(text) > _DATE_LENGTH else day
