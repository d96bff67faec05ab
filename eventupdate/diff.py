"""The difference between the occurrences of a calendar and its stored events."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from common.chunks import chunks
from eventinvoke.models import Event
from eventinvoke.planning.publish import EventDraft
from eventupdate.expand import Occurrence, Window
from eventupdate.store import BATCH

K = TypeVar("K")
V = TypeVar("V")
Item = TypeVar("Item", Event, EventDraft)


@dataclass(slots=True)
class Difference:
    """The events to add, change, remove and rename."""

    added: list[EventDraft] = field(default_factory=list)
    changed: list[EventDraft] = field(default_factory=list)
    removed: list[Event] = field(default_factory=list)
    renamed: list[Event] = field(default_factory=list)
    """Stored events that continue under a new external id, which is already set on the instances."""

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


class Comparison:
    """Compares occurrences with the stored events of their source, some series at a time.

    It keeps only the differences. Events that have begun are never removed, as many feeds list only
    upcoming entries. Events of an entry that can't be read are not removed either.
    """

    def __init__(self, source: str, at: datetime) -> None:
        """Compare with the events of ``source``; those that start after ``at`` are upcoming."""
        self._source = source
        self._at = at
        self._has_events = Event.objects.filter(source=source).exists()
        self._new: dict[str, EventDraft] = {}
        self._changed: list[EventDraft] = []
        self._gone: dict[int, Event] = {}
        self._seen: set[int] = set()

    def compare(
        self,
        drafts: Mapping[str, EventDraft],
        series: Collection[str],
        broken: Collection[str],
        window: Window,
    ) -> None:
        """Compare the occurrences of these series within a window; those of ``broken`` ones are not removed."""
        if not self._has_events:
            self._new |= drafts
            return
        within = Event.objects.filter(series__in=series, source=self._source)
        within = within.filter(starts_at__gte=window.start, starts_at__lt=window.stop)
        stored = {event.external_id: event for event in within}
        # An event from outside the window may have been moved into it.
        stored |= {e.external_id: e for e in self._named([i for i in drafts if i not in stored])}
        for external_id, draft in drafts.items():
            event = stored.get(external_id)
            if event is None:
                self._new[external_id] = draft
            elif not _is_same(event, draft):
                self._changed.append(draft)
        self._seen |= {event.pk for event in stored.values()}
        for external_id, event in stored.items():
            if external_id not in drafts and event.series not in broken:
                self._drop(event)

    def drop_others(self, series: Collection[str], broken_uids: Collection[str], window: Window) -> None:
        """Remove the upcoming events of series that the calendar no longer has."""
        if not self._has_events:
            return
        coming = Event.objects.filter(
            source=self._source,
            canceled_at__isnull=True,
            starts_at__gte=window.start,
            starts_at__lt=window.stop,
        ).values_list("pk", "series", "external_id")
        others = [
            pk
            for pk, name, external_id in coming.iterator()
            if name not in series and pk not in self._seen and _uid_key_of(external_id) not in broken_uids
        ]
        for pks in chunks(others, BATCH):
            for event in Event.objects.filter(pk__in=pks):
                self._drop(event)

    def difference(self) -> Difference:
        """Return the difference of all series that were compared."""
        difference = Difference(changed=self._changed)
        new = dict(self._new)
        for event in _renamed(new, self._gone, self._at):
            difference.renamed.append(event)
            del self._gone[event.pk]
            draft = new.pop(event.external_id)
            if not _is_same(event, draft):
                difference.changed.append(draft)
        difference.added = sorted(new.values(), key=lambda draft: (draft.starts_at, draft.external_id))
        coming = (event for event in self._gone.values() if event.starts_at > self._at)
        difference.removed = sorted(coming, key=lambda event: event.pk)
        return difference

    def _drop(self, event: Event) -> None:
        if event.canceled_at is None:
            self._gone[event.pk] = event

    def _named(self, external_ids: Iterable[str]) -> Iterator[Event]:
        for some in chunks(external_ids, BATCH):
            yield from Event.objects.filter(source=self._source, external_id__in=some)


def draft_of(source: str, series: str, occurrence: Occurrence) -> EventDraft:
    """Return an occurrence as an event."""
    details = occurrence.details
    return EventDraft(
        source=source,
        external_id=occurrence.external_id,
        title=details.title,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        description=details.description,
        location=details.location,
        attendees=details.attendees,
        url=details.url,
        labels=details.labels,
        is_all_day=occurrence.is_all_day,
        starts_on=occurrence.starts_on,
        series=series,
    )


def _is_same(event: Event, draft: EventDraft) -> bool:
    if event.canceled_at is not None:
        return False
    return all(getattr(event, name) == value for name, value in draft.columns.items())


def _uid_key_of(external_id: str) -> str:
    return external_id.rpartition("#")[0]


def _renamed(new: Mapping[str, EventDraft], gone: Mapping[int, Event], at: datetime) -> list[Event]:
    """Return stored events that continue under another external id, with that id set.

    The ids change when an entry becomes recurring, and some producers make new UIDs with each
    export. To withdraw the old event and publish the new one would notify members twice. So an event
    with the same start, and the same UID or else the same title, is renamed. The ids also change when a
    whole series is moved; its upcoming events are moved then.
    """
    if not gone:
        return []
    olds_left, news_left = dict(gone), dict(new)
    found: list[Event] = []
    for is_by_uid in (True, False):
        olds = _listed((e.starts_at, _trait(e, is_by_uid=is_by_uid), e) for e in olds_left.values())
        news = _listed((d.starts_at, _trait(d, is_by_uid=is_by_uid), d) for d in news_left.values())
        # Of several with one start and one title each may continue as any other.
        pairs = (
            (e, d) for key in olds.keys() & news.keys() for e, d in zip(olds[key], news[key], strict=False)
        )
        for event, draft in pairs:
            del olds_left[event.pk], news_left[draft.external_id]
            event.external_id, event.series = draft.external_id, draft.series
            found.append(event)
    for event, draft in _shifted(news_left.values(), olds_left.values(), at):
        event.external_id, event.series = draft.external_id, draft.series
        found.append(event)
    return sorted(found, key=lambda event: event.pk)


def _shifted(
    new: Iterable[EventDraft], gone: Iterable[Event], at: datetime
) -> Iterator[tuple[Event, EventDraft]]:
    """Yield upcoming events of moved series with their new occurrences, paired by day (UTC).

    Where no day is the same and the number of occurrences is, they are paired in order.
    """
    olds = _by_uid(event for event in gone if event.starts_at > at)
    news = _by_uid(draft for draft in new if draft.starts_at > at)
    for uid in olds.keys() & news.keys():
        old_days = _only((event.starts_at.date(), event) for event in olds[uid])
        new_days = _only((draft.starts_at.date(), draft) for draft in news[uid])
        same = sorted(old_days.keys() & new_days.keys())
        if same:
            yield from ((old_days[day], new_days[day]) for day in same)
        elif len(olds[uid]) == len(news[uid]):
            yield from zip(olds[uid], news[uid], strict=True)


def _by_uid(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Return events or drafts by their UID, each list sorted by start."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.starts_at):
        found[_uid_key_of(item.external_id)].append(item)
    return found


def _listed(items: Iterable[tuple[datetime, str, Item]]) -> dict[tuple[datetime, str], list[Item]]:
    """Return items by start and trait, those of one key in the order of their texts and ids."""
    found: dict[tuple[datetime, str], list[Item]] = defaultdict(list)
    for starts_at, trait, item in items:
        found[starts_at, trait].append(item)
    for some in found.values():
        some.sort(key=lambda item: (item.description, item.location, item.external_id))
    return found


def _trait(item: Event | EventDraft, *, is_by_uid: bool) -> str:
    return _uid_key_of(item.external_id) if is_by_uid else item.title


def _only(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return the pairs whose key is unique."""
    listed = list(pairs)
    counts = Counter(key for key, _ in listed)
    return {key: value for key, value in listed if counts[key] == 1}
