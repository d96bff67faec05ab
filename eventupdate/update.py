"""From a reading to the rows and events to write; this module itself writes nothing.

Only changed series are expanded and compared with their events. When the horizon has moved, which
needs no reading, recurring entries and single entries that start in the new days are expanded too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from common.chunks import chunks
from eventupdate.canceled_titles import CanceledTitles
from eventupdate.diff import Comparison, Difference, draft_of
from eventupdate.expand import Expanded, Expander, Window
from eventupdate.models import Entry
from eventupdate.reading import Reading, Resource
from eventupdate.resources import series_of, uid_key
from eventupdate.store import (
    Changes,
    Held,
    Rows,
    Said,
    Stored,
    changes_of,
    held_of,
    row_of,
    stored_of,
    summary,
)
from eventupdate.zones import iana_name
from registration.models import Calendar

AT_ONCE: Final = 200
"""Series per batch, so that the texts of all are never in memory together."""
_MARGIN: Final = timedelta(days=2)
"""More than a date can differ from its first instant in any zone."""


@dataclass(frozen=True, slots=True)
class Update:
    """The rows and events to write, and new columns of the calendar."""

    difference: Difference
    rows: Rows
    window: Window
    zone: str
    """The calendar's own zone as its source names it."""
    expanded_in: str
    """The zone and the words with which the events were made."""
    problem: str
    """A message about entries that can't be read, or ""."""
    broken: int
    """The number of entries that can't be read."""
    unchanged: int
    """The number of unchanged entries."""


def has_rolled(calendar: Calendar, window: Window) -> bool:
    """Say whether the horizon has reached new days, or the calendar's zone has changed."""
    return (
        calendar.expanded_until is None
        or calendar.expanded_until < window.stop
        or calendar.expanded_in != _basis(calendar, calendar.source_time_zone)
    )


def _basis(calendar: Calendar, source_zone: str) -> str:
    """Return what the events of a calendar depend on besides its entries: its zone, and words for canceled titles."""
    mark = CanceledTitles(calendar.canceled_titles).mark
    return own_zone([calendar.default_time_zone, source_zone])[: 200 - len(mark)] + mark


def own_zone(names: Iterable[str]) -> str:
    """Return the first known zone name; else the last one, which the source may define itself."""
    listed = list(names)
    return next((known for name in listed if (known := iana_name(name))), listed[-1])[:200]


def work_out(calendar: Calendar, reading: Reading | None, window: Window, at: datetime) -> Update:
    """Return what a reading changes; None is a source without changes.

    Raises ``FeedError`` for too many occurrences (see ``Expander``).
    """
    return _Work(calendar, reading, window, at).update()


def _zone_of(calendar: Calendar, reading: Reading | None) -> str:
    """Return the source's own zone; a reading of changes need not repeat it."""
    known = calendar.source_time_zone
    if reading is None:
        return known
    return (reading.time_zone or ("" if reading.is_whole else known))[:200]


class _Work:
    """The state of one comparison."""

    def __init__(self, calendar: Calendar, reading: Reading | None, window: Window, at: datetime) -> None:
        self.calendar = calendar
        self.zone = _zone_of(calendar, reading)
        self.zones = [calendar.default_time_zone, self.zone]
        self.canceled_titles = CanceledTitles(calendar.canceled_titles)
        self.basis = _basis(calendar, self.zone)
        # Events beyond a horizon that was shortened are still updated.
        self.window = Window(window.start, max(window.stop, calendar.expanded_until or window.stop))
        self.is_all = calendar.expanded_until is None or calendar.expanded_in != self.basis
        self.held: Mapping[str, Held] = held_of(calendar)
        self.changes: Changes = changes_of(reading, self.held)
        self.comparison = Comparison(calendar.source, at)
        self.rows = Rows(gone=[row.pk for row in self.changes.gone.values()])
        self.notes = {key: row.said for key, row in self.held.items() if key not in self.changes.gone}
        self.by_series: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.changes.resources.values():
            self.by_series[series_of(resource.uid)].append(resource)
        self.broken_uids: set[str] = set()

    def update(self) -> Update:
        present = {row.series for key, row in self.held.items() if key not in self.changes.gone}
        present |= self.by_series.keys()
        affected = self.changes.series | present if self.is_all else self.changes.series
        expander = Expander(self.zones)
        for some in chunks(sorted(affected), AT_ONCE):
            self._expand(some, expander, self.window)
        if not self.is_all:
            new_days = Window(self.calendar.expanded_until or self.window.start, self.window.stop)
            for some in chunks(self._reached(new_days, affected), AT_ONCE):
                self._expand(some, expander, new_days)
        if self.is_all:
            self.comparison.drop_others(present, self.broken_uids, self.window)
        return Update(
            difference=self.comparison.difference(),
            rows=self.rows,
            window=self.window,
            zone=self.zone,
            expanded_in=self.basis,
            problem=summary(self.notes),
            broken=sum(bool(said.problem) for said in self.notes.values()),
            unchanged=len(self.held)
            - len(self.changes.gone)
            - len(self.held.keys() & self.changes.resources.keys()),
        )

    def _reached(self, new_days: Window, done: Collection[str]) -> list[str]:
        """Return the series that may have occurrences in the new days."""
        if new_days.start >= new_days.stop:
            return []
        starts = Q(starts_at__gte=new_days.start - _MARGIN, starts_at__lt=new_days.stop + _MARGIN)
        rows = Entry.objects.filter(starts | Q(is_recurring=True), calendar=self.calendar)
        names = rows.order_by().values_list("series", flat=True).distinct()
        return sorted(name for name in names if name not in done)

    def _expand(self, series: list[str], expander: Expander, window: Window) -> None:
        """Expand these series and compare them with their events."""
        calendar, changes = self.calendar, self.changes
        texts: dict[str, list[str]] = defaultdict(list)
        uids: dict[str, str] = {}
        stored: dict[str, list[Stored]] = defaultdict(list)
        leave_out = changes.resources.keys() | changes.gone.keys()
        for row in stored_of(calendar, series, leave_out) if self.held else ():
            texts[row.series].append(row.text)
            stored[row.series].append(row)
            uids[row.series] = row.uid
        drafts = {}
        broken = set()
        for name in series:
            new = self.by_series.get(name, ())
            for resource in new:
                texts[name].append(resource.text)
                uids[name] = resource.uid
            if name not in texts:
                continue  # all of its resources are gone
            expanded = expander.expand(uids[name], texts[name], window)
            self._note(new, stored[name], expanded)
            if expanded.problem:
                broken.add(name)
                self.broken_uids.add(uid_key(uids[name]))
            for occurrence in expanded.occurrences:
                title = occurrence.details.title
                if not occurrence.is_canceled and not self.canceled_titles.include(title):
                    draft = draft_of(calendar.source, name, occurrence)
                    drafts[draft.external_id] = draft
        self.comparison.compare(drafts, series, broken, window)

    def _note(self, new: Iterable[Resource], stored: Iterable[Stored], expanded: Expanded) -> None:
        """Collect the rows of the resources of an expanded series."""
        said = Said(expanded.problem, expanded.note, expanded.unknown_zone)
        for resource in new:
            row = row_of(self.calendar, resource, expanded)
            self.rows.stored.append(row)
            self.notes[resource.key] = said
        when = (expanded.is_recurring, expanded.starts_at)
        for known in stored:
            if (self.notes[known.key], (known.is_recurring, known.starts_at)) != (said, when):
                self.notes[known.key] = said
                note = Entry(
                    pk=self.held[known.key].pk,
                    is_recurring=expanded.is_recurring,
                    starts_at=expanded.starts_at,
                    **said._asdict(),
                )
                self.rows.noted.append(note)
