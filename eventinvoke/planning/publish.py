"""The one door for every source: publish what will happen, or take it back.

A calendar, a date registered by hand, a device and the system itself all come in here. What is
published is stored in one transaction a batch, each event with a mark that it is to be planned; then it
is matched with the registrations and planned in bounded transactions, which take the marks off.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from common.channels import Severity
from common.chunks import chunks
from common.clock import now
from common.db import bulk
from common.errors import InputError
from eventinvoke.models import Event
from eventinvoke.planning import event_history, marks
from eventinvoke.planning.event_row import EventRow
from eventinvoke.planning.planner import FIRST, Planner
from registration.models.registrations import SEVERITIES

BATCH: Final = 1_000
"""So many drafts are stored in one transaction at most."""
_BATCH_SQLITE: Final = 200
"""SQLite lets one writer in at a time: an answer that waits for it waits for a fraction of a second."""
DEFAULT_LENGTH: Final = timedelta(hours=1)
"""How long an event without an end is worth telling about."""
_SEVERITIES: Final = frozenset(int(number) for number, _name in SEVERITIES)
_ID_LENGTH: Final = 255
_TITLE_LENGTH: Final = 500
_URL_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event as its source tells it. All instants are aware.

    Texts that are longer than the columns are cut; an ``external_id`` that is longer is replaced
    by its SHA-256. Raises ``InputError`` (with ``field``) for a time that is naive, an end before
    the start, a severity that is none of ours (no channel would send it), or an empty source, id or title.
    """

    source: str
    external_id: str
    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    deadline_at: datetime | None = None
    """Notices of the event expire at this time; the end, or an hour after the start, if not given."""
    description: str = ""
    location: str = ""
    attendees: str = ""
    """Names and addresses, a line each."""
    url: str = ""
    severity: int = Severity.INFO
    labels: Mapping[str, Any] = field(default_factory=dict)
    is_all_day: bool = False
    starts_on: date | None = None
    """The day on which an event that lasts all day begins, the same in every time zone."""
    series: str = ""
    """The same for all events of one repeating entry, at most 32 characters."""

    def __post_init__(self) -> None:
        """Check what was given and bring it to the columns' sizes."""
        for name in ("source", "external_id", "title"):
            if not getattr(self, name):
                msg = f"An event needs a {name.replace('_', ' ')}."
                raise InputError(msg, field=name)
        for name in ("starts_at", "ends_at", "deadline_at"):
            instant = getattr(self, name)
            if instant is None or instant.tzinfo is UTC:
                continue
            if instant.tzinfo is None:
                msg = "A time needs a time zone."
                raise InputError(msg, field=name)
            # Or to add hours would be to turn the hands of a clock, not to let time pass.
            object.__setattr__(self, name, instant.astimezone(UTC))
        if self.severity not in _SEVERITIES:
            msg = "A severity is one of " + ", ".join(str(number) for number, _name in SEVERITIES) + "."
            raise InputError(msg, field="severity")
        if self.ends_at is not None and self.ends_at < self.starts_at:
            msg = "The end can't be before the start."
            raise InputError(msg, field="ends_at")
        last = max(self.deadline_at or self.ends_at or self.starts_at + DEFAULT_LENGTH, self.starts_at)
        keep = object.__setattr__
        keep(self, "deadline_at", last)
        keep(self, "labels", dict(self.labels))
        keep(self, "external_id", fit_external_id(self.external_id))
        keep(self, "title", self.title[:_TITLE_LENGTH])
        keep(self, "location", self.location[:_TITLE_LENGTH])
        keep(self, "url", self.url if len(self.url) <= _URL_LENGTH else "")

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that publishing again may change."""
        return {name: getattr(self, name) for name in _CHANGING}


Name = tuple[str, str]
"""Source and external id: what names an event."""

_CHANGING: Final = tuple(f.name for f in fields(EventDraft) if f.name not in {"source", "external_id"})
_COMPARED: Final = ("canceled_at", *_CHANGING)
_NEW: Final = ("source", "external_id", *_CHANGING)
_values = attrgetter(*_CHANGING)


class _Stored(NamedTuple):
    """An event as it is stored: its key, its version and the values of ``_COMPARED``."""

    pk: int
    version: int
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """How many events were new, were changed, and were as they are stored."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Published") -> "Published":
        """Add up two batches."""
        return Published(
            self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged
        )


def fit_external_id(external_id: str) -> str:
    """Return an external id that fits its column: itself, or its SHA-256 when it is too long."""
    return external_id if len(external_id) <= _ID_LENGTH else sha256(external_id.encode()).hexdigest()


def publish(drafts: Iterable[EventDraft]) -> Published:
    """Store events and plan their deliveries; publishing the same again changes nothing.

    Drafts are read in batches of ``BATCH``, each its own transaction (or part of the caller's). A
    source and external id that stands twice in one batch counts once, the last time.
    """
    total = Published()
    planner, empty = Planner(), _Empty()
    for batch in chunks(drafts, _size()):
        named = {(draft.source, draft.external_id): draft for draft in batch}
        total += _publish_batch(named, planner, empty)
    return total


def _size() -> int:
    return min(BATCH, _BATCH_SQLITE) if connection.vendor == "sqlite" else BATCH


class _Empty:
    """Sources of which nothing was stored when a publication began: their events need not be looked for.

    Only asked of whole batches; for a few events that costs more than it saves.
    """

    def __init__(self) -> None:
        self._is_empty: dict[str, bool] = {}

    def sources(self, names: Collection[Name]) -> set[str]:
        sources = {source for source, _external_id in names} if len(names) == _size() else set()
        for source in sources - self._is_empty.keys():
            self._is_empty[source] = not Event.objects.filter(source=source).exists()
        return {source for source in sources if self._is_empty[source]}


def withdraw(source: str, external_ids: Iterable[str]) -> int:
    """Take events back: what is not sent yet is canceled. Return how many events that changed."""
    count = 0
    planner = Planner()
    for some in chunks(external_ids, _size()):
        with transaction.atomic():
            ids = [fit_external_id(one) for one in some]
            known = Event.objects.select_for_update().filter(source=source, external_id__any_of=ids)
            pks = list(known.filter(canceled_at__isnull=True).order_by("pk").values_list("pk", flat=True))
            at = now()
            count += marks.change(pks, canceled_at=at, updated_at=at)
            event_history.write(
                event_history.change_of(pk, {"canceled_at": None}, {"canceled_at": at}) for pk in pks
            )
        planner.plan(pks)
    return count


def _publish_batch(drafts: Mapping[Name, EventDraft], planner: Planner, empty: _Empty) -> Published:
    """Store a batch with its marks and commit it, then plan it; a crash in between leaves the marks."""
    with transaction.atomic():
        skipped = empty.sources(drafts.keys())
        stored = _stored(name for name in drafts if name[0] not in skipped)
        new = {name: draft for name, draft in drafts.items() if name not in stored}
        made = _make(new)
        if len(made) < len(new):
            # They came twice, or another process has published them at this moment: they are no longer new.
            stored |= _stored(new.keys() - {(event.source, event.external_id) for event in made})
        changed = _change([(stored[name], draft) for name, draft in drafts.items() if name in stored])
    planner.plan_new(made)
    planner.plan(changed)
    return Published(len(made), len(changed), len(drafts) - len(made) - len(changed))


def _stored(names: Iterable[Name]) -> dict[Name, _Stored]:
    """Return the stored ones of some events, and lock their rows."""
    by_source: dict[str, list[str]] = {}
    for source, external_id in names:
        by_source.setdefault(source, []).append(external_id)
    return {
        (row[1], row[2]): _Stored(row[0], row[3], row[4:])
        for source, external_ids in by_source.items()
        for row in Event.objects.select_for_update()
        .filter(source=source, external_id__any_of=external_ids)
        .order_by("pk")
        .values_list("pk", "source", "external_id", "version", "canceled_at", *_CHANGING)
    }


def _make(drafts: Mapping[Name, EventDraft]) -> list[EventRow]:
    """Store new events, marked; return them, but for those that another process has stored at this moment."""
    rows = [(*name, *_values(draft)) for name, draft in drafts.items()]
    made = bulk.insert_missing(Event, _NEW, rows, returning=("id", "source", "external_id"))
    marks.put_on((pk, FIRST) for pk, _source, _external_id in made)
    return [_row(pk, drafts[source, external_id]) for pk, source, external_id in made]


def _row(pk: int, draft: EventDraft) -> EventRow:
    """Return a new event as it is stored."""
    return EventRow(
        pk, draft.source, draft.external_id, draft.title, draft.description, draft.location, draft.attendees,
        draft.labels, draft.severity, draft.starts_at, draft.ends_at, draft.deadline_at or draft.starts_at, draft.is_all_day,
        draft.starts_on, None, draft.series,
    )  # fmt: skip


def _change(pairs: Iterable[tuple[_Stored, EventDraft]]) -> list[int]:
    """Write what is other than it is stored, and its history; return the keys of these events."""
    at = now()
    rows: list[tuple[Any, ...]] = []
    changes: list[event_history.Change | None] = []
    for stored, draft in pairs:
        values = (None, *_values(draft))
        if values == stored.values:
            continue
        rows.append((stored.pk, *values, at, stored.version + 1))
        before, after = (dict(zip(_COMPARED, some, strict=True)) for some in (stored.values, values))
        changes.append(event_history.change_of(stored.pk, before, after))
    bulk.update(Event, [*_COMPARED, "updated_at", "version"], rows)
    marks.put_on((row[0], row[-1]) for row in rows)
    event_history.write(changes)
    return [row[0] for row in rows]
