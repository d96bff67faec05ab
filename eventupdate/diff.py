"""What a reading of a calendar changes in the events that are stored."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from eventinvoke.models import Event
from eventinvoke.publish import EventDraft
from eventupdate.expand import Expansion, Occurrence, Window, uid_key

K = TypeVar("K")
V = TypeVar("V")

_CHUNK: Final = 500


@dataclass(slots=True)
class Difference:
    """What has to be written so that the events follow the calendar."""

    added: list[EventDraft] = field(default_factory=list)
    changed: list[EventDraft] = field(default_factory=list)
    removed: list[Event] = field(default_factory=list)
    renamed: list[Event] = field(default_factory=list)
    """The same events under a new external id, which is set on them already."""
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.added or self.changed or self.removed or self.renamed)

    def lines(self) -> Iterator[str]:
        """Yield a line for each change, sorted by start: + added, ~ changed, - removed."""
        rows = [("+", d.starts_at, d.title) for d in self.added]
        rows += [("~", d.starts_at, d.title) for d in self.changed]
        rows += [("-", e.starts_at, e.title) for e in self.removed]
        for sign, starts_at, title in sorted(rows, key=lambda row: (row[1], row[0], row[2])):
            yield f"{sign} {starts_at:%Y-%m-%d %H:%M} UTC  {title}"


def compare(source: str, expansion: Expansion, window: Window, at: datetime) -> Difference:
    """Hold a reading against the stored events of its source.

    Only events that start within the window and after ``at`` are removed: what has begun stays as
    it was, what lies beyond the window was not looked at, and of an entry that could not be read
    nothing is known.
    """
    drafts = {o.external_id: _draft(source, o) for o in expansion.occurrences if not o.is_canceled}
    stored = {event.external_id: event for event in _within(source, window)}
    # A stored event may have been moved into the window from outside.
    absent = [external_id for external_id in drafts if external_id not in stored]
    stored |= {event.external_id: event for event in _named(source, absent)}
    difference = Difference(renamed=_renamed(drafts, stored))
    for event in difference.renamed:
        stored[event.external_id] = event
    for external_id, draft in drafts.items():
        if external_id not in stored:
            difference.added.append(draft)
        elif _is_same(stored[external_id], draft):
            difference.unchanged += 1
        else:
            difference.changed.append(draft)
    broken = {uid_key(uid) for uid in expansion.broken}
    difference.removed = [
        event
        for external_id, event in stored.items()
        if external_id == event.external_id
        and external_id not in drafts
        and event.canceled_at is None
        and event.starts_at > at
        and _uid_key_of(external_id) not in broken
    ]
    return difference


def _draft(source: str, occurrence: Occurrence) -> EventDraft:
    details = occurrence.details
    return EventDraft(
        source=source,
        external_id=occurrence.external_id,
        title=details.title,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        description=details.description,
        location=details.location,
        url=details.url,
        labels=details.labels,
        is_all_day=occurrence.is_all_day,
    )


def _within(source: str, window: Window) -> Iterable[Event]:
    return Event.objects.filter(source=source, starts_at__gte=window.start, starts_at__lt=window.stop)


def _named(source: str, external_ids: Iterable[str]) -> Iterator[Event]:
    iterator = iter(external_ids)
    while some := list(islice(iterator, _CHUNK)):
        yield from Event.objects.filter(source=source, external_id__in=some)


def _is_same(event: Event, draft: EventDraft) -> bool:
    if event.canceled_at is not None:
        return False
    return all(getattr(event, name) == value for name, value in draft.columns.items())


def _uid_key_of(external_id: str) -> str:
    return external_id.rpartition("#")[0]


def _renamed(drafts: Mapping[str, EventDraft], stored: Mapping[str, Event]) -> list[Event]:
    """Return stored events that go on under another id, with that id set.

    An entry that is made recurring gets ids for its occurrences, and there are producers that make
    up new UIDs with each export. To withdraw the old and publish the new would tell people twice
    of one thing; so what has the same start, and the same UID or else the same title, stays itself.
    """
    gone = {e.pk: e for key, e in stored.items() if key not in drafts and e.canceled_at is None}
    new = {key: draft for key, draft in drafts.items() if key not in stored}
    found: list[Event] = []
    for is_by_uid in (True, False):
        olds = _only(((e.starts_at, _trait(e, is_by_uid=is_by_uid)), e) for e in gone.values())
        news = _only(((d.starts_at, _trait(d, is_by_uid=is_by_uid)), d) for d in new.values())
        for key in olds.keys() & news.keys():
            event = gone.pop(olds[key].pk)
            event.external_id = new.pop(news[key].external_id).external_id
            found.append(event)
    return sorted(found, key=lambda event: event.pk)


def _trait(item: Event | EventDraft, *, is_by_uid: bool) -> str:
    return _uid_key_of(item.external_id) if is_by_uid else item.title


def _only(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return the pairs whose key stands there once."""
    listed = list(pairs)
    counts = Counter(key for key, _ in listed)
    return {key: value for key, value in listed if counts[key] == 1}
