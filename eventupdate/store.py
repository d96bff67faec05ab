"""The stored entries of a calendar, and how a reading differs from them."""

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from common.chunks import chunks
from common.db import bulk
from eventupdate.expand import Expanded
from eventupdate.models import Entry
from eventupdate.reading import Reading, Resource
from eventupdate.resources import series_of
from registration.models import Calendar

T = TypeVar("T")

BATCH: Final = 500
_STORED: Final = tuple(field.attname for field in Entry._meta.concrete_fields if not field.primary_key)
_values = attrgetter(*_STORED)
_NOTED: Final = ("is_recurring", "starts_at", "problem", "note", "unknown_zone")
_LISTED: Final = 150
_LEVEL: Final = 1
"""The compression level; higher levels take more time than smaller rows save."""


class Said(NamedTuple):
    """What the page of the calendar says about an entry, "" for nothing."""

    problem: str = ""
    note: str = ""
    unknown_zone: str = ""


class Held(NamedTuple):
    """A stored resource without its text."""

    pk: int
    series: str
    version: str
    said: Said


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
    """New and changed resources by key."""
    gone: dict[str, Held] = field(default_factory=dict)
    series: set[str] = field(default_factory=set)
    """The series of all of them, with the previous series of changed ones."""


@dataclass(slots=True)
class Rows:
    """Entry rows to write."""

    stored: list[Entry] = field(default_factory=list)
    """New rows, and changed rows with all columns."""
    noted: list[Entry] = field(default_factory=list)
    """Rows with an unchanged text, of which other columns change."""
    gone: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.stored or self.noted or self.gone)

    def parts(self, size: int) -> "Iterator[Rows]":
        """Yield the rows in parts of at most ``size``."""
        yield from (Rows(stored=some) for some in chunks(self.stored, size))
        yield from (Rows(noted=some) for some in chunks(self.noted, size))
        yield from (Rows(gone=some) for some in chunks(self.gone, size))

    def write(self) -> None:
        """Write them, with a query for each kind and ``BATCH``."""
        for pks in chunks(self.gone, BATCH):
            Entry.objects.filter(pk__in=pks).delete()
        rows = [_values(row) for row in self.stored]
        bulk.upsert(Entry, _STORED, rows, key=("calendar_id", "key"))
        Entry.objects.bulk_update(self.noted, _NOTED, batch_size=BATCH)


def held_of(calendar: Calendar) -> dict[str, Held]:
    """Return the stored resources of a calendar by key, without texts; one query."""
    names = ("key", "pk", "series", "version", *Said._fields)
    rows = Entry.objects.filter(calendar=calendar).values_list(*names)
    return {key: Held(pk, series, version, Said(*said)) for key, pk, series, version, *said in rows}


def changes_of(reading: Reading | None, held: Mapping[str, Held]) -> Changes:
    """Return how a reading differs from the stored resources; None is a reading without changes."""
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
    """Yield the stored resources of these series, except those with the keys ``leave_out``."""
    names = ("series", "key", "starts_at", "is_recurring", "text")
    rows = Entry.objects.filter(calendar=calendar, series__in=series).order_by("pk").values_list(*names)
    for name, key, starts_at, is_recurring, packed in rows:
        if key not in leave_out:
            uid, _, text = zlib.decompress(bytes(packed)).decode().partition("\n")
            yield Stored(name, key, starts_at, is_recurring, uid, text)


def row_of(calendar: Calendar, resource: Resource, expanded: Expanded) -> Entry:
    """Return the row of a new or changed resource."""
    return Entry(
        calendar=calendar,
        key=resource.key,
        series=series_of(resource.uid),
        version=resource.version,
        text=zlib.compress(f"{resource.uid}\n{resource.text}".encode(), _LEVEL),
        is_recurring=expanded.is_recurring,
        starts_at=expanded.starts_at,
        problem=expanded.problem,
        note=expanded.note,
        unknown_zone=expanded.unknown_zone,
    )


def summary(rows: Mapping[str, Said]) -> str:
    """Return a message about entries that can't be read, at most 300 characters; "" without problems.

    ``rows`` has what is said about each entry by its key.
    """
    parts = []
    broken = [(key, said.problem) for key, said in rows.items() if said.problem]
    if broken:
        what = "One entry" if len(broken) == 1 else f"{len(broken)} entries"
        stays = "was left as it was" if len(broken) == 1 else "were left as they were"
        parts.append(f"{what} can't be read and {stays}; {_listed(broken)}.")
    noted = [(key, said.note) for key, said in rows.items() if said.note]
    if noted:
        what = (
            "One entry is read with a mistake in it"
            if len(noted) == 1
            else f"{len(noted)} entries have mistakes"
        )
        parts.append(f"{what}; {_listed(noted)}.")
    zone = next((said.unknown_zone for said in rows.values() if said.unknown_zone), "")
    if zone:
        parts.append(f"The time zone “{zone}” is not known; the calendar's own is used.")
    return " ".join(parts)[:300]


def _listed(found: Iterable[tuple[str, str]]) -> str:
    """Return the first entries with the reasons, those with one reason together."""
    keys: dict[str, list[str]] = defaultdict(list)
    length = 0
    for key, reason in found:
        length += len(key[:60]) + (0 if reason in keys else len(reason))
        if length > _LISTED and keys:
            break
        keys[reason].append(f"“{key[:60]}”")
    return "; ".join(f"of {', '.join(names)}, {reason[:100]}" for reason, names in keys.items())
