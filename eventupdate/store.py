"""The entries of a calendar as its source gave them last: what a reading is held against."""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from django.db import connection

from eventupdate.expand import Expanded
from eventupdate.models import Entry
from eventupdate.reading import Reading, Resource
from eventupdate.resources import series_of
from registration.models import Calendar

T = TypeVar("T")

BATCH: Final = 500
_NOTED: Final = ("is_recurring", "starts_at", "problem", "unknown_zone")
_LEVEL: Final = 1
"""Of compression: higher ones take longer than the database saves."""


class Held(NamedTuple):
    """What is stored of a resource, but for its text."""

    pk: int
    series: str
    version: str
    problem: str
    unknown_zone: str


class Stored(NamedTuple):
    """A stored resource with its text."""

    series: str
    key: str
    starts_at: datetime | None
    is_recurring: bool
    uid: str
    text: str


@dataclass(slots=True)
class Changes:
    """How a reading differs from what is stored."""

    resources: dict[str, Resource] = field(default_factory=dict)
    """Those that are new or changed, by key."""
    gone: dict[str, Held] = field(default_factory=dict)
    series: set[str] = field(default_factory=set)
    """The series that any of them belongs to, or belonged to."""


@dataclass(slots=True)
class Rows:
    """What is to be written about entries."""

    stored: list[Entry] = field(default_factory=list)
    """New rows, and changed ones with all of their columns."""
    noted: list[Entry] = field(default_factory=list)
    """Rows whose text is the same and of which something else is to be said."""
    gone: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.stored or self.noted or self.gone)

    def parts(self, size: int) -> "Iterator[Rows]":
        """Yield the same in parts of at most so many rows."""
        yield from (Rows(stored=some) for some in chunks(self.stored, size))
        yield from (Rows(noted=some) for some in chunks(self.noted, size))
        yield from (Rows(gone=some) for some in chunks(self.gone, size))

    def write(self) -> None:
        """Write them, with a query for each kind and ``BATCH``."""
        for pks in chunks(self.gone, BATCH):
            Entry.objects.filter(pk__in=pks).delete()
        has_targets = connection.features.supports_update_conflicts_with_target
        Entry.objects.bulk_create(
            self.stored,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["calendar", "key"] if has_targets else None,
            update_fields=[
                "series", "version", "text", "is_recurring", "starts_at", "problem", "unknown_zone",
            ],
        )  # fmt: skip
        Entry.objects.bulk_update(self.noted, _NOTED, batch_size=BATCH)


def held_of(calendar: Calendar) -> dict[str, Held]:
    """Return what is stored of a calendar's resources, by key: one query, and no texts."""
    names = ("key", "pk", "series", "version", "problem", "unknown_zone")
    rows = Entry.objects.filter(calendar=calendar).values_list(*names)
    return {key: Held(*rest) for key, *rest in rows}


def changes_of(reading: Reading | None, held: Mapping[str, Held]) -> Changes:
    """Return how a reading differs from what is stored."""
    changes = Changes()
    if reading is None:
        return changes
    for resource in reading.resources:
        before = held.get(resource.key)
        if before is None or before.version != resource.version:
            changes.resources[resource.key] = resource
            changes.series.add(series_of(resource.uid))
            changes.series |= {before.series} if before else set()
    if reading.is_whole:
        present = {resource.key for resource in reading.resources}
        changes.gone = {key: row for key, row in held.items() if key not in present}
    else:
        removed = set(reading.removed) - changes.resources.keys()
        changes.gone = {key: held[key] for key in removed if key in held}
    changes.series |= {row.series for row in changes.gone.values()}
    return changes


def stored_of(calendar: Calendar, series: Collection[str], leave_out: Collection[str]) -> Iterator[Stored]:
    """Yield the stored resources of these series, but for those with certain keys."""
    names = ("series", "key", "starts_at", "is_recurring", "text")
    rows = Entry.objects.filter(calendar=calendar, series__in=series).order_by("pk").values_list(*names)
    for name, key, starts_at, is_recurring, packed in rows:
        if key not in leave_out:
            uid, _, text = zlib.decompress(bytes(packed)).decode().partition("\n")
            yield Stored(name, key, starts_at, is_recurring, uid, text)


def row_of(calendar: Calendar, resource: Resource, expanded: Expanded) -> Entry:
    """Return a new or changed resource as it is stored."""
    return Entry(
        calendar=calendar,
        key=resource.key,
        series=series_of(resource.uid),
        version=resource.version,
        text=zlib.compress(f"{resource.uid}\n{resource.text}".encode(), _LEVEL),
        is_recurring=expanded.is_recurring,
        starts_at=expanded.starts_at,
        problem=expanded.problem,
        unknown_zone=expanded.unknown_zone,
    )


def summary(rows: Mapping[str, tuple[str, str]]) -> str:
    """Return what a person should know of entries that can't be read, in at most 300 characters.

    ``rows`` are the problem and the unknown zone of each by its key; "" where all is well.
    """
    parts = []
    broken = [(key, problem) for key, (problem, _zone) in rows.items() if problem]
    if broken:
        key, reason = broken[0]
        what = "One entry" if len(broken) == 1 else f"{len(broken)} entries"
        stays = "was left as it was" if len(broken) == 1 else "were left as they were"
        parts.append(f"{what} can't be read and {stays}; of “{key[:60]}”, {reason[:100]}.")
    zone = next((zone for _problem, zone in rows.values() if zone), "")
    if zone:
        parts.append(f"The time zone “{zone}” is not known; the calendar's own is taken.")
    return " ".join(parts)[:300]


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items in lists of a size."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
