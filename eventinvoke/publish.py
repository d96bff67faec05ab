"""The one door for every source: publish what will happen, or take it back.

A calendar, a date registered by hand, a device and the system itself all come in here. What is
published is stored, matched with the registrations and planned in one transaction a batch, with a
handful of queries whatever its size.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from django.db import transaction

from common.channels import Severity
from common.clock import now
from common.errors import InputError
from eventinvoke.models import Event
from eventinvoke.planning import plan_events
from registration.models.registrations import SEVERITIES

BATCH: Final = 1000
DEFAULT_LENGTH: Final = timedelta(hours=1)
"""How long an event without an end is worth telling about."""
_ID_LENGTH: Final = 255
_TITLE_LENGTH: Final = 500
_URL_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event as its source tells it. All instants are aware.

    Texts that are longer than the columns are cut; an ``external_id`` that is longer is replaced
    by its SHA-256. Raises ``InputError`` (with ``field``) for a time that is naive, an end before
    the start, a severity that is none of ours (nobody would send it), or an empty source, id or title.
    """

    source: str
    external_id: str
    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    deadline_at: datetime | None = None
    """After this nobody wants to hear of it; the end, or an hour after the start, if not given."""
    description: str = ""
    location: str = ""
    attendees: str = ""
    """Names and addresses, a line each."""
    url: str = ""
    severity: int = Severity.INFO
    labels: Mapping[str, Any] = field(default_factory=dict)
    is_all_day: bool = False
    starts_on: date | None = None
    """The day on which an event that lasts all day begins, in whatever zone."""
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
            if instant is not None and instant.tzinfo is None:
                msg = "A time needs a time zone."
                raise InputError(msg, field=name)
        if self.severity not in dict(SEVERITIES):
            msg = "A severity is one of " + ", ".join(str(number) for number, _name in SEVERITIES) + "."
            raise InputError(msg, field="severity")
        if self.ends_at is not None and self.ends_at < self.starts_at:
            msg = "The end can't be before the start."
            raise InputError(msg, field="ends_at")
        last = max(self.deadline_at or self.ends_at or self.starts_at + DEFAULT_LENGTH, self.starts_at)
        keep = object.__setattr__
        keep(self, "deadline_at", last)
        keep(self, "external_id", fit_external_id(self.external_id))
        keep(self, "title", self.title[:_TITLE_LENGTH])
        keep(self, "location", self.location[:_TITLE_LENGTH])
        keep(self, "url", self.url if len(self.url) <= _URL_LENGTH else "")

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that publishing again may change."""
        return {name: getattr(self, name) for name in _CHANGING}


_CHANGING: Final = tuple(f.name for f in fields(EventDraft) if f.name not in {"source", "external_id"})


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
    iterator = iter(drafts)
    while batch := list(islice(iterator, BATCH)):
        total += _publish_batch({(draft.source, draft.external_id): draft for draft in batch})
    return total


def withdraw(source: str, external_ids: Iterable[str]) -> int:
    """Take events back: what is not sent yet is canceled. Return how many events that changed."""
    count = 0
    for some in _chunks(external_ids, BATCH):
        with transaction.atomic():
            ids = [fit_external_id(one) for one in some]
            events = Event.objects.filter(source=source, external_id__in=ids, canceled_at__isnull=True)
            pks = list(events.values_list("pk", flat=True))
            count += Event.objects.filter(pk__in=pks).update(canceled_at=now(), updated_at=now())
            plan_events(pks)
    return count


def _chunks(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _publish_batch(drafts: Mapping[tuple[str, str], EventDraft]) -> Published:
    with transaction.atomic():
        stored = _stored(list(drafts))
        new = [draft for key, draft in drafts.items() if key not in stored]
        if new:
            Event.objects.bulk_create(
                [Event(source=d.source, external_id=d.external_id, **d.columns) for d in new],
                ignore_conflicts=True,
            )
        compared = [_updated(stored[key], draft) for key, draft in drafts.items() if key in stored]
        changed = [event for event in compared if event is not None]
        if changed:
            Event.objects.bulk_update(changed, [*_CHANGING, "canceled_at", "updated_at"], batch_size=200)
        pks = [event.pk for event in changed]
        if new:
            pks += [event.pk for event in _stored([(d.source, d.external_id) for d in new]).values()]
        plan_events(pks)
    return Published(len(new), len(changed), len(drafts) - len(new) - len(changed))


def _stored(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Event]:
    by_source: dict[str, list[str]] = {}
    for source, external_id in keys:
        by_source.setdefault(source, []).append(external_id)
    return {
        (event.source, event.external_id): event
        for source, external_ids in by_source.items()
        for event in Event.objects.select_for_update().filter(source=source, external_id__in=external_ids)
    }


def _updated(event: Event, draft: EventDraft) -> Event | None:
    columns = draft.columns
    if event.canceled_at is None and all(getattr(event, name) == value for name, value in columns.items()):
        return None
    for name, value in columns.items():
        setattr(event, name, value)
    event.canceled_at = None
    event.updated_at = now()
    return event
