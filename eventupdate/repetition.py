"""Expanding series that are not plain, with recurring-ical-events.

It gets normalised entries instead of icalendar components, which it would copy for each occurrence, and rules that
are expanded by counted work.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from icalendar import Event
from icalendar.prop import vDDDTypes
from recurring_ical_events import EventAdapter, Series
from recurring_ical_events import Occurrence as LibraryOccurrence

from eventupdate.entries import Entry
from eventupdate.recurrence import moments_until
from eventupdate.rules import Rule
from eventupdate.times import Length, Time
from eventupdate.work import Share


class Repetition(NamedTuple):
    """One occurrence of an entry."""

    entry: Entry
    original: Time
    """The original start in the series."""
    start: Time
    length: Length


def repetitions(
    core: Entry | None, parts: Sequence[Entry], first: datetime, stop: datetime, share: Share
) -> Iterator[Repetition]:
    """Yield the repetitions between two instants, and perhaps some around them. Raises ``TooMuchWorkError``."""
    adapters = [_Adapter(entry, share) for entry in (*([core] if core else []), *parts)]
    for found in _Series(adapters).between(first, stop):
        length = found.entry.length if found.length is None else Length(0, found.length)
        yield Repetition(found.entry, found.original, found.start, length)


class _Occurrence(LibraryOccurrence):  # type: ignore[misc]
    """An occurrence of recurring-ical-events, with its original start."""

    def __init__(self, adapter: "_Adapter", start: Time | None, end: Time | None) -> None:
        """Keep the original start, and the length if it differs from that of the entry."""
        super().__init__(adapter, start, end)
        self.entry = adapter.entry
        if start is None:
            # It replaces an occurrence of the series.
            self.original = self.entry.recurrence_id or self.start
        else:
            self.original = start - adapter.move_recurrences_by
        wall = None if start is None or end is None else end - start
        self.length: timedelta | None = None if wall is None or wall == adapter.duration else wall


class _Adapter(EventAdapter):  # type: ignore[misc]
    """Adapts a normalised entry to recurring-ical-events."""

    def __init__(self, entry: Entry, share: Share) -> None:
        """Adapt one entry."""
        component = Event()
        super().__init__(component)
        self.entry = entry
        self.share = share
        if entry.recurrence_id is not None:
            reach = {"RANGE": "THISANDFUTURE"} if entry.is_this_and_future else {}
            component["RECURRENCE-ID"] = vDDDTypes(entry.recurrence_id, reach)

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
        return {rule.text for rule in self.entry.rules}

    @property
    def rdates(self) -> list[Any]:
        return list(self.entry.added)

    @property
    def exdates(self) -> list[Time]:
        return list(self.entry.excluded)

    @property
    def this_and_future(self) -> bool:
        return self.entry.is_this_and_future

    def has_recurrence_rules(self) -> bool:
        return bool(self.entry.rules or self.entry.added or self.entry.excluded)


class _Bounded:
    """A rule for recurring-ical-events, which takes it for one of dateutil's."""

    def __init__(self, rule: Rule, start: Time, zone: tzinfo | None, share: Share) -> None:
        self.until = rule.until
        self._rule = rule
        self._start = start
        self._zone = zone
        self._share = share

    def between(self, first: datetime, stop: datetime, inc: bool) -> Iterator[datetime]:  # noqa: ARG002, FBT001
        """Yield the starts between two instants, and perhaps some around them."""
        for found in moments_until(self._rule, self._start, first.date(), stop.date(), self._share):
            yield found if isinstance(found, datetime) else datetime.combine(found, time.min, self._zone)


class _Rules(Series.RecurrenceRules):  # type: ignore[misc]
    """The rules of a series, expanded by ``recurrence``: dateutil's search for a next start has no limit."""

    def create_rule_with_start(self, rule_string: str) -> _Bounded:
        """Return the rule with this text."""
        entry = self.core.entry
        rule = next(rule for rule in entry.rules if rule.text == rule_string)
        return _Bounded(rule, entry.start, self.tzinfo, self.core.share)

    def rrule_between(self, first: datetime, stop: datetime) -> Iterator[datetime]:
        """Yield all starts, which include the RDATEs."""
        self.core.share.take(1 + len(self.rdates))
        yield from super().rrule_between(first, stop)


class _Series(Series):  # type: ignore[misc]
    """A series that yields ``_Occurrence``, without copies of a component, by counted work."""

    RecurrenceRules = _Rules

    def occurrence(
        self, adapter: _Adapter, start: Time | None = None, end: Time | None = None
    ) -> _Occurrence:
        """Return one occurrence."""
        return _Occurrence(adapter, start, end)

    def get_component_for_recurrence_id(self, recurrence_id: Time) -> _Adapter:
        """Return the entry that counts from a start on: the library looks at all with THISANDFUTURE."""
        core: _Adapter = self.recurrence.core
        core.share.take(len(self.this_and_future))
        found: _Adapter = super().get_component_for_recurrence_id(recurrence_id)
        return found
