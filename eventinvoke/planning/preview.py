"""What a registration that is being typed would do, and what an edit of one would change.

Nothing is written. A few queries for any number of events: the texts of those to come are read
as plain rows, and only the events that are shown are read whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Any, Final, NamedTuple

from django.db.models import Q

from common import sources
from common.clock import now
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.desired import (
    DAY,
    Key,
    Wish,
    runs_of,
    wishes_of,
)
from eventinvoke.planning.event_row import AnyEvent, EventRow
from eventinvoke.planning.matching import fields_of, marked, matching
from eventinvoke.planning.wants import said_about
from registration.models import Registration, Step, Target

LOOKED_AT: Final = 20_000
"""So many coming events are looked at, the next ones first."""
SHOWN: Final = 200
CHANGES_SHOWN: Final = 50


_NAMED: Final = ("pk", "source", "external_id", "title")
_TIMED: Final = ("starts_at", "ends_at", "deadline_at", "is_all_day", "starts_on")
_TEXTS: Final = ("description", "location", "attendees", "labels")


class Telling(NamedTuple):
    """When one step of the plan tells its target."""

    step: Step
    at: datetime


class Found(NamedTuple):
    """A coming event that the registration would find."""

    event: Event
    marks: tuple[tuple[str, int, int], ...]
    """Which parts of which fields the pattern finds: field, start, end."""
    told: tuple[Telling, ...]
    """When the steps tell of it, the first one first; none of what is too late."""
    runs: tuple[datetime, datetime] | None
    """From when until when it mutes or makes away, if that is what the registration is for."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a registration would find."""

    found: tuple[Found, ...] = ()
    count: int = 0
    """How many coming events it finds in all."""
    looked_at: int = 0
    is_cut: bool = False
    """Whether there are more coming events than were looked at."""


class Change(NamedTuple):
    """A delivery that an edit would add or remove."""

    event: AnyEvent
    target: Target
    at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """What an edit would change of the pending deliveries; the lists hold the next ones."""

    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    count_added: int = 0
    count_removed: int = 0
    count_kept: int = 0
    is_cut: bool = False


class _Row:
    """The columns of an event that a registration looks at."""

    __slots__ = ("attendees", "description", "external_id", "labels", "location", "pk", "source", "title")

    def __init__(self, values: Sequence[Any], others: Sequence[str]) -> None:
        self.pk, self.source, self.title = values[:3]
        self.external_id = self.location = self.description = self.attendees = ""
        self.labels: dict[str, Any] = {}
        for name, value in zip(others, values[3:], strict=True):
            setattr(self, name, value)


class Matched(NamedTuple):
    """The coming events that a registration finds."""

    pks: list[int]
    """In the order of their starts."""
    fields: list[str]
    """The columns besides the title that it was looked for in."""
    looked_at: int
    is_cut: bool


def look(registration: Registration) -> Matched:
    """Return the keys of the coming events that a standing registration finds, stored or not.

    Its member has to be set. Patterns that can't be used find nothing. Three queries at most.
    """
    others = [name for name in fields_of(registration) if name not in {"title", "organiser"}]
    if registration.labels or "organiser" in fields_of(registration):
        others.append("labels")
    instant = now()
    coming = Event.objects.filter(deadline_at__gt=instant - DAY, canceled_at__isnull=True)
    coming = coming.filter(Q(deadline_at__gt=instant) | Q(is_all_day=True), source__in=_sources(registration))
    columns = coming.order_by("starts_at", "pk").values_list("pk", "source", "title", *others)
    rows = [_Row(values, others) for values in columns[: LOOKED_AT + 1]]
    is_cut = len(rows) > LOOKED_AT
    order = {row.pk: place for place, row in enumerate(rows[:LOOKED_AT])}
    found = matching(rows[:LOOKED_AT], [registration])
    pks = sorted((row.pk for row, _one in found), key=order.__getitem__)
    return Matched(pks, others, len(order), is_cut)


def preview(
    registration: Registration, steps: Iterable[Step], limit: int = SHOWN, matched: Matched | None = None
) -> Preview:
    """Return the coming events that a standing registration finds, stored or not, and when it tells of them.

    Its member has to be set, and each step's target; ``matched`` is what ``look`` returned, where it was
    asked already. Patterns that can't be used find nothing. Five queries at most.
    """
    matched = matched or look(registration)
    instant = now()
    events = _events(matched.pks[:limit])
    wishes = timely(events, registration, steps, instant)
    told: dict[int, list[Telling]] = defaultdict(list)
    for wish in sorted(wishes.values(), key=lambda wish: wish.due_at):
        told[wish.event.pk].append(Telling(wish.step, max(wish.due_at, instant)))
    is_told = registration.action == Registration.Action.NOTIFY
    found = tuple(
        Found(
            event,
            tuple(marked(registration, event)),
            tuple(told[event.pk]),
            None if is_told else runs_of(event, registration),
        )
        for event in events
    )
    return Preview(found, len(matched.pks), matched.looked_at, matched.is_cut)


def difference(
    registration: Registration | None,
    edited: Registration,
    steps: Iterable[Step],
    matched: Matched | None = None,
) -> Difference:
    """Return what the pending deliveries of a registration become when it is as ``edited`` and ``steps``.

    ``registration`` is the stored one, or None for a new one; ``matched`` is what ``look`` returned for
    the edited one, where it was asked already. What another registration tells the same target at the
    same time anyway is not added. Eight queries at most.
    """
    matched = matched or look(edited)
    wishes = timely(rows_of(matched), edited, steps, now())
    stored = _pending(registration)
    keys = {row[1:] for row in stored}
    new = [wish for key, wish in wishes.items() if key not in keys]
    others = taken(wish.event.pk for wish in new)
    added = [wish for wish in new if wish.key not in others]
    first = nsmallest(CHANGES_SHOWN, added, key=lambda wish: wish.due_at)
    gone = [row[0] for row in stored if row[1:] not in wishes]
    return Difference(
        tuple(Change(wish.event, wish.step.target, wish.due_at) for wish in first),
        _removed(gone[:CHANGES_SHOWN]),
        len(added),
        len(gone),
        len(stored) - len(gone),
        matched.is_cut,
    )


def pending_with(edited: Registration, steps: Iterable[Step]) -> tuple[int, int]:
    """Return how many notices of the plans of a registration's member wait, and how many more if it is stored as edited."""
    waiting = Delivery.objects.pending().filter(registration__member=edited.member_id).count()
    change = difference(edited, edited, steps)
    return waiting, change.count_added - change.count_removed


def _sources(registration: Registration) -> Collection[str]:
    """Return the sources that it looks at, of which the member may see all."""
    member, named = registration.member_id, registration.named_source
    if named:
        return [named] if sources.may_see(named, member) else []
    return [one.name for one in sources.looked_at_by_default(member)]


def _events(pks: Sequence[int]) -> list[Event]:
    found = Event.objects.in_bulk(pks) if pks else {}
    return [found[pk] for pk in pks if pk in found]


def rows_of(matched: Matched) -> list[EventRow]:
    """Return the events that were found, as rows: there may be thousands, and few of them are shown."""
    if not matched.pks:
        return []
    found = Event.objects.filter(pk__any_of=matched.pks).values_list(*_NAMED, *matched.fields, *_TIMED)
    return [_row(values, matched.fields) for values in found]


def _row(values: Sequence[Any], fields: Sequence[str]) -> EventRow:
    texts: list[Any] = ["", "", "", {}]
    for name, text in zip(fields, values[len(_NAMED) :], strict=False):
        texts[_TEXTS.index(name)] = text
    first, severity, canceled_at = values[: len(_NAMED)], 0, None
    return EventRow._make((*first, *texts, severity, *values[-len(_TIMED) :], canceled_at, ""))


def timely(
    events: Sequence[AnyEvent], registration: Registration, steps: Iterable[Step], instant: datetime
) -> dict[Key, Wish]:
    """Return what a plan wants of these events that is not too late, by its key."""
    plan = list(steps) if registration.is_in_force else []
    said = said_about([event.pk for event in events])
    found: dict[Key, Wish] = {}
    for event in events:
        present = [answer for answer in said.get(event.pk, ()) if answer.starts_at == event.starts_at]
        for wish in wishes_of(event, registration, plan, present, instant):
            if wish.is_timely:
                found[wish.key] = wish
    return found


def _pending(registration: Registration | None) -> list[tuple[int, int, int, datetime]]:
    """Return key, event, target and due time of what a registration is going to tell, the next first.

    Steps that follow an event which is over are left out, as these events are not looked at.
    """
    if registration is None or registration.pk is None:
        return []
    rows = Delivery.objects.pending().filter(
        registration=registration.pk, origin=Delivery.Origin.PLAN, attempts=0
    )
    rows = rows.filter(Q(event__deadline_at__gt=now()) | Q(event__is_all_day=True))
    columns = rows.order_by("due_at", "pk").values_list("pk", "event_id", "target_id", "due_at")
    return list(columns[:LOOKED_AT])


def _removed(pks: Sequence[int]) -> tuple[Change, ...]:
    if not pks:
        return ()
    rows = Delivery.objects.filter(pk__in=pks).select_related("event", "target__member")
    return tuple(Change(row.event, row.target, row.due_at) for row in rows.order_by("due_at", "pk"))


def taken(events: Iterable[int]) -> set[Key]:
    """Return the keys of the deliveries that some events have."""
    pks = set(events)
    if not pks:
        return set()
    rows = Delivery.objects.filter(event__pk__any_of=pks, slot=0)
    return set(rows.values_list("event_id", "target_id", "due_at"))
