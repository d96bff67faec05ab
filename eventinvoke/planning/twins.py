"""Twins: the same meeting in two calendars is one meeting.

Events of different calendars are twins when they have the same start and the same entry (its iCalendar
UID, kept as ``Event.series``) or the same title. A target is told of a meeting once, and an answer about one of its
events counts for all of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from common.sources import has_twins
from eventinvoke.models import Event
from eventinvoke.planning.settlement import Said
from eventinvoke.planning.wants import said_about

_MANY: Final = 100
"""With so many starts it pays to look first whether another calendar has events at all."""


class EventLike(Protocol):
    """What twins are told by."""

    @property
    def pk(self) -> Any:
        """The event's key."""

    @property
    def source(self) -> Any:
        """The calendar."""

    @property
    def series(self) -> Any:
        """What stands for the iCalendar UID."""

    @property
    def title(self) -> Any:
        """The title."""

    @property
    def starts_at(self) -> Any:
        """The start."""


def twins_of(events: Iterable[EventLike]) -> dict[int, set[int]]:
    """Return the twins of some events of calendars, by event; one query, none where no event is of a calendar."""
    asked = [event for event in events if has_twins(event.source)]
    if not asked:
        return {}
    starts = {event.starts_at for event in asked}
    sources = {event.source for event in asked}
    if len(starts) >= _MANY and len(sources) == 1 and not _has_others(sources):
        return {}
    rows = Event.objects.filter(starts_at__any_of=list(starts), canceled_at__isnull=True)
    if len(sources) == 1:  # a sync's thousand events are not each other's twins
        rows = rows.exclude(source__in=sources)
    by_start: dict[datetime, list[tuple[int, str, str, str]]] = defaultdict(list)
    for start, pk, source, series, title in rows.values_list("starts_at", "pk", "source", "series", "title"):
        if has_twins(source):
            by_start[start].append((pk, source, series, _folded(title)))
    found: dict[int, set[int]] = {}
    for event in asked:
        title = _folded(event.title)
        others = {
            pk
            for pk, source, series, other in by_start[event.starts_at]
            if source != event.source and (other == title or (series and series == event.series))
        }
        if others:
            found[event.pk] = others
    return found


def _has_others(sources: Collection[str]) -> bool:
    """Say whether there are events of other calendars; a small query for each source of events up to the first calendar.

    They find the next source by the index of the unique constraint, while a query for the distinct sources would read all of it.
    """
    source: str | None = ""
    while source is not None and (source in sources or not has_twins(source)):
        following = Event.objects.filter(source__gt=source).order_by("source")
        source = following.values_list("source", flat=True).first()
    return source is not None


def _folded(title: str) -> str:
    return " ".join(title.split()).casefold()


def said_about_meetings(
    events: Sequence[EventLike], twins: Mapping[int, Collection[int]] | None = None
) -> dict[int, list[Said]]:
    """Return the settling answers about some events and their twins (looked up unless given), by event."""
    twins = twins_of(events) if twins is None else twins
    pks: set[int] = {event.pk for event in events}
    found = said_about(pks.union(*twins.values()))
    return {
        pk: [answer for one in (pk, *sorted(twins.get(pk, ()))) for answer in found.get(one, ())]
        for pk in pks
    }


def meeting_of(event: EventLike) -> Collection[int]:
    """Return an event and its twins, by key."""
    return {event.pk, *twins_of([event]).get(event.pk, ())}
