"""Planning: bring deliveries and periods in line with events and registrations, in bounded transactions.

An event and a registration each carry a mark (``version`` above ``planned_version``) that is committed with
their change. Planning either of them locks the events first and reads the registrations after that, so that of a
changed event and a changed registration the one that is planned last sees both. The mark goes in the
transaction that writes the last deliveries, and only if the version is still the one that was planned.
Planning touches PENDING rows and nothing else, and planning twice changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from django.db import models, transaction
from django.db.models import Max, Q

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event, Period, Share
from eventinvoke.planning import change_notices, reconcile
from eventinvoke.planning.desired import DAY, Wish, wishes_of
from eventinvoke.planning.event_row import AnyEvent, EventRow
from eventinvoke.planning.matching import (
    DATE_SOURCE,
    Matcher,
    looked_at_by,
    registrations_for,
    versions,
)
from eventinvoke.planning.periods import bring_periods_in_line
from eventinvoke.planning.reconcile import Scope
from eventinvoke.planning.settlement import Said
from eventinvoke.planning.twins import said_about_meetings
from eventinvoke.planning.wants import steps_by_plan
from registration.models import Registration, Step

EVENTS: Final = 250
"""So many events are planned in one transaction at most; an answer about one of them waits for its end."""
WISHES: Final = 1_000
"""After about so many wishes a transaction ends."""
_COLUMNS: Final = EventRow._fields


class _Held:
    """Registrations as they were read, with their plans, which are read when they are first needed."""

    def __init__(self, registrations: Sequence[Registration]) -> None:
        self.registrations = registrations
        self.matcher = Matcher(registrations)
        self.versions = {one.pk: one.version for one in registrations}
        self._steps: dict[int, list[Step]] = {}

    def steps_of(self, plans: Collection[int]) -> Mapping[int, list[Step]]:
        """Return the steps of some plans; read together with those of a few hundred that follow."""
        missing = [pk for pk in plans if pk not in self._steps]
        if missing:
            found = steps_by_plan(missing)
            self._steps.update({pk: found.get(pk, []) for pk in missing})
        return self._steps

    def forget(self) -> None:
        """Let the plans go: of a calendar with 20,000 registrations they are not held at once."""
        if len(self._steps) > WISHES:
            self._steps.clear()


class _Part(NamedTuple):
    """What one transaction plans: whole events, or one event with some of its registrations."""

    events: list[EventRow]
    pairs: list[tuple[EventRow, Registration]]
    scope: Scope
    resume: int
    """The registration after which the event goes on in the next transaction; 0 when all is done."""


class Planner:
    """Plans events; the registrations of a source are read once and checked in each transaction."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[frozenset[str], _Held] = {}

    def plan(self, pks: Iterable[int], *, are_new: bool = False) -> None:
        """Plan some stored events with every registration, and take their marks off."""
        todo = dict.fromkeys(sorted(set(pks)))
        while todo:
            some = list(islice(todo, EVENTS))
            done, resume = self._plan_some(some, 0, are_new=are_new)
            while resume:
                done, resume = self._plan_some(done, resume, are_new=False)
            for pk in done:
                todo.pop(pk, None)

    def _plan_some(self, pks: list[int], after: int, *, are_new: bool) -> tuple[list[int], int]:
        """Plan the first of some events in one transaction; return their keys and where to resume.

        ``after`` is where the only one of them was left. Events that are gone count as planned.
        """
        with transaction.atomic():
            locked = Event.objects.select_for_update().filter(pk__any_of=pks).order_by("source", "pk")
            rows = list(locked.values_list("version", *_COLUMNS))
            if not rows:
                return pks, 0
            marks = {row[1]: row[0] for row in rows}
            events = [EventRow._make(row[1:]) for row in rows]
            # Another process may have planned a new event already, for a registration that changed.
            are_new = are_new and not Delivery.objects.filter(event__pk__any_of=pks).exists()
            held = self._held_for(events)
            part = _part(events, held, after)
            steps = held.steps_of({one.pk for _event, one in part.pairs})
            write(part.events, part.pairs, steps, part.scope, are_new=are_new)
            held.forget()
            if not part.resume:
                _take_marks_off({event.pk: marks[event.pk] for event in part.events})
        gone = [pk for pk in pks if pk not in marks]
        return [event.pk for event in part.events] + gone, part.resume

    def _held_for(self, events: Sequence[EventRow]) -> _Held:
        """Return the registrations that look at these events, as they are in this transaction."""
        sources = frozenset(event.source for event in events)
        held = self._held.get(sources)
        if held is None or held.versions != versions(sources):
            held = _Held(registrations_for(events))
            if DATE_SOURCE not in sources:
                self._held[sources] = held
        return held


def _part(events: Sequence[EventRow], held: _Held, after: int) -> _Part:
    """Return the first of some events with all their registrations, as many as fit a transaction."""
    most = WISHES // 2
    part = _Part([], [], Scope(after=after), 0)
    for event, wanting in _wanting(events, held.matcher):
        left = sorted((one for one in wanting if one.pk > after), key=attrgetter("pk")) if after else wanting
        if part.events and len(part.pairs) + len(left) > most:
            break
        if len(left) > most:
            some = sorted(left, key=attrgetter("pk"))[:most]
            last: int = some[-1].pk
            return _Part([event], [(event, one) for one in some], Scope(after=after, until=last), last)
        part.events.append(event)
        part.pairs.extend((event, one) for one in left)
    return part


def _wanting(events: Sequence[EventRow], matcher: Matcher) -> Iterator[tuple[EventRow, list[Registration]]]:
    """Yield each of some events, which are in the order of their sources, with the registrations that want it."""
    open_events = [event for event in events if event.canceled_at is None]
    groups = groupby(matcher.matching(open_events), key=itemgetter(0))
    following = next(groups, None)
    for event in events:
        if following is not None and following[0].pk == event.pk:
            yield event, [registration for _event, registration in following[1]]
            following = next(groups, None)
        else:
            yield event, []


def write(
    events: Sequence[EventRow],
    pairs: Iterable[tuple[EventRow, Registration]],
    steps: Mapping[int, Sequence[Step]],
    scope: Scope,
    *,
    are_new: bool = False,
) -> None:
    """Write what the plans of the scope want of some locked events; ``pairs`` are those that match.

    Events that ``are_new`` have no deliveries; answers about their twins count for them.
    """
    instant = now()
    said = said_about_meetings(events)
    wishes: list[Wish] = []
    runs: list[tuple[AnyEvent, Registration]] = []
    for event, registration in pairs:
        if event.canceled_at is None and registration.action != Registration.Action.NOTIFY:
            runs.append((event, registration))
        plan = steps.get(registration.pk, ())
        wishes += wishes_of(event, registration, plan, _present(event, said), instant)
    if are_new:
        reconcile.make(wishes)
    else:
        rows = reconcile.rows_of(events, scope, {wish.step.target_id for wish in wishes})
        changes = change_notices.changes_of(events, rows, instant)
        reconcile.bring_in_line(events, _less_late(wishes, changes), scope, rows)
        if scope.plans is None:
            change_notices.write(changes, events, instant, is_whole=scope.is_all)
            _end_asides(events, rows)
    bring_periods_in_line([] if are_new else events, runs, instant, scope)


def _present(event: EventRow, said: Mapping[int, Sequence[Said]]) -> list[Said]:
    return [answer for answer in said.get(event.pk, ()) if answer.starts_at == event.starts_at]


def _less_late(wishes: list[Wish], changes: Sequence[change_notices.Change]) -> list[Wish]:
    """Leave out overdue steps to members who get a change notice instead."""
    told = {(change.event.pk, change.last.member_id) for change in changes}
    if not told:
        return wishes
    return [
        wish
        for wish in wishes
        if not (wish.is_overdue and (wish.event.pk, wish.step.target.member_id) in told)
    ]


def _end_asides(events: Sequence[EventRow], rows: Sequence[reconcile.Row]) -> None:
    """Cancel snoozes and second calls about a start that the event no longer has."""
    present = {event.pk: event.starts_at for event in events if event.canceled_at is None}
    asides = (Delivery.Origin.SNOOZE, Delivery.Origin.REDIAL)
    stale = [
        row.pk
        for row in rows
        if row.state == State.PENDING and row.origin in asides and present.get(row.event_id) != row.starts_at
    ]
    reconcile.cancel(stale, "The event was moved or canceled.")


def _take_marks_off(planned: Mapping[int, int]) -> None:
    """Note the versions of some locked events as planned; most have the same version."""
    for version, some in groupby(sorted(planned.items(), key=itemgetter(1)), key=itemgetter(1)):
        unplanned = Event.objects.filter(pk__any_of=[pk for pk, _version in some])
        unplanned.filter(planned_version=0).update(planned_version=version)


def plan_events(pks: Collection[int]) -> None:
    """Bring the deliveries of some stored events in line with all registrations."""
    Planner().plan(pks)


def unplanned_events(limit: int) -> list[int]:
    """Return some events whose deliveries do not follow their last change."""
    rows = Event.objects.filter(planned_version=0).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def plan_registration(registration: Registration, events: Sequence[int]) -> None:
    """Bring what one registration wants of some events in line with it. Must be called inside a transaction.

    The registration is read again once the events are locked.
    """
    locked = Event.objects.select_for_update().filter(pk__any_of=list(events)).order_by("pk")
    rows = list(map(EventRow._make, locked.values_list(*_COLUMNS)))
    fresh = Registration.objects.select_related("member__user").filter(pk=registration.pk).first()
    if fresh is None:
        return
    is_on = fresh.is_in_force and fresh.member.user.is_active
    pairs = list(Matcher([fresh]).matching([row for row in rows if row.canceled_at is None])) if is_on else []
    write(rows, pairs, steps_by_plan([fresh.pk]), Scope(plans=frozenset({fresh.pk})))


def concerned_by(registrations: Sequence[Registration]) -> dict[int, list[int]]:
    """Return for each registration the stored events of which it wants deliveries or has some, in rising order.

    Looks once through what is stored, for all of them, and fetches nothing.
    """
    found: dict[int, set[int]] = {one.pk: set() for one in registrations}
    named = Q(registration__pk__any_of=list(found))
    pending = Delivery.objects.pending().filter(named).values_list("registration_id", "event_id")
    shared = Share.objects.filter(named, delivery__state=State.PENDING)
    periods = Period.objects.filter(named, ends_at__gt=now()).values_list("registration_id", "event_id")
    for rows in (pending, shared.values_list("registration_id", "delivery__event_id"), periods):
        for pk, event_id in rows:
            found[pk].add(event_id)
    in_force = [one for one in registrations if one.is_in_force]
    if in_force:
        coming = _events_of(in_force).order_by("pk").values_list(*_COLUMNS)
        events = map(EventRow._make, coming.iterator(1_000))
        for event, registration in Matcher(in_force).matching(events):
            found[registration.pk].add(event.pk)
    return {pk: sorted(events) for pk, events in found.items()}


def _events_of(registrations: Sequence[Registration]) -> "models.QuerySet[Event]":
    """Events that are to come, or of which a step is, and whose source one of the registrations looks at."""
    steps = Step.objects.filter(registration__pk__any_of=[one.pk for one in registrations])
    last = steps.aggregate(last=Max("offset"))["last"] or timedelta(0)
    since = now() - max(last, timedelta(0))
    coming = Event.objects.filter(deadline_at__gt=since - DAY, canceled_at__isnull=True)
    coming = coming.filter(Q(deadline_at__gt=since) | Q(is_all_day=True))
    return coming.filter(looked_at_by(registrations))
