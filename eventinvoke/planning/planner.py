"""Planning: bring deliveries and periods in line with events and registrations, in bounded transactions.

An event and a registration each carry a mark (``version`` above ``planned_version``) that is committed with
their change. Planning either of them locks the events first and reads the registrations after that, so that of a
changed event and a changed registration the one that is planned last sees both. The mark goes in the
transaction that writes the last deliveries, and only if the version is still the one that was planned.
Planning touches PENDING rows and nothing else, and planning twice changes nothing.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from django.db import models, transaction
from django.db.models import Count, Max, Q

from common.clock import now
from common.db.give_way import give_way
from common.states import State
from eventinvoke.models import Delivery, Event, Period, Share
from eventinvoke.planning import change_notices, reconcile
from eventinvoke.planning.desired import DAY, Wish, wishes_of
from eventinvoke.planning.event_row import AnyEvent, EventRow
from eventinvoke.planning.matching import CALENDAR_PREFIX, DATE_SOURCE, Matcher, registrations_for, state_of
from eventinvoke.planning.periods import bring_periods_in_line
from eventinvoke.planning.reconcile import Scope
from eventinvoke.planning.settlement import Said
from eventinvoke.planning.wants import said_about, steps_by_plan
from registration.models import Registration, Step

EVENTS: Final = 250
"""So many events are planned in one transaction at most; an answer about one of them waits for its end."""
WISHES: Final = 500
"""After about so many wishes, or deliveries that were read, a transaction ends."""
NEW: Final = 4
"""So many times more of new events, about which no answer can wait."""
_REMEMBERED: Final = 5_000
"""So many plans are held at most, besides those of the present transaction."""
_COLUMNS: Final = EventRow._fields


class _Held:
    """Registrations as they were read, with their plans, which are read when they are first needed."""

    def __init__(self, registrations: Sequence[Registration], state: tuple[int, ...]) -> None:
        self.matcher = Matcher(registrations)
        self.state = state
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
        if len(self._steps) > _REMEMBERED:
            self._steps.clear()


class _Place(NamedTuple):
    """How far the planning of an event has come whose plans do not fit one transaction."""

    event: int
    version: int
    """Of the event; when it changed in between, planning begins again."""
    plan: int
    """The registration after which it goes on."""


class _Part(NamedTuple):
    """What one transaction plans: whole events, or one event with some of its registrations."""

    events: list[EventRow]
    pairs: list[tuple[EventRow, Registration]]
    scope: Scope


class Planner:
    """Plans events; the registrations of a source are read once and checked in each transaction."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[frozenset[str], _Held] = {}

    def plan(self, pks: Iterable[int], *, are_new: bool = False) -> None:
        """Plan some stored events with every registration, and take their marks off."""
        todo = dict.fromkeys(sorted(set(pks)))
        most = EVENTS * NEW if are_new else EVENTS
        at_once = most
        while todo:
            done, place = self._plan_some(list(islice(todo, at_once)), None, are_new=are_new)
            while place is not None:
                give_way()
                done, place = self._plan_some([place.event], place, are_new=False)
            # Lock few events where few fit a transaction.
            at_once = min(most, 2 * len(done) + 1)
            for pk in done:
                todo.pop(pk, None)
            if todo:
                give_way()

    def _plan_some(
        self, pks: list[int], place: _Place | None, *, are_new: bool
    ) -> tuple[list[int], _Place | None]:
        """Plan the first of some events in one transaction; return their keys, or where one was left.

        ``place`` is where the only one of them was left. Events that are gone count as planned. Registrations are
        read before the transaction, as 20,000 of them take a second; if they keep changing, in it.
        """
        for is_last in (False, False, True):
            with transaction.atomic():
                locked = Event.objects.select_for_update().filter(pk__any_of=pks).order_by("source", "pk")
                rows = list(locked.values_list("version", *_COLUMNS))
                marks = {row[1]: row[0] for row in rows}
                events = [EventRow._make(row[1:]) for row in rows]
                held = self._held_for(events, may_read=is_last)
                if held is not None:
                    return self._plan_locked(events, marks, held, place, pks, are_new=are_new)
            self._read(events)
        raise AssertionError

    def _plan_locked(
        self,
        events: Sequence[EventRow],
        marks: Mapping[int, int],
        held: _Held,
        place: _Place | None,
        pks: Collection[int],
        *,
        are_new: bool,
    ) -> tuple[list[int], _Place | None]:
        after = place.plan if place is not None and marks.get(place.event) == place.version else 0
        counts = {} if are_new or after else _counts(marks)
        part = _part(events, held, counts, after, WISHES * NEW if are_new else WISHES)
        steps = held.steps_of({one.pk for _event, one in part.pairs})
        write(part.events, part.pairs, steps, part.scope, are_new=are_new)
        held.forget()
        planned = [event.pk for event in part.events]
        if part.scope.until is not None:
            return [], _Place(planned[0], marks[planned[0]], part.scope.until)
        _take_marks_off({pk: marks[pk] for pk in planned})
        return planned + [pk for pk in pks if pk not in marks], None

    def _held_for(self, events: Sequence[EventRow], *, may_read: bool) -> _Held | None:
        """Return the registrations that look at these events, if they are known as they are in this transaction."""
        sources = frozenset(event.source for event in events)
        if DATE_SOURCE in sources or not sources:
            return _Held(registrations_for(events), ())
        held = self._held.get(sources)
        if held is None or held.state != state_of(sources):
            held = self._read(events) if may_read else None
        return held

    def _read(self, events: Sequence[EventRow]) -> _Held:
        """Read the registrations that look at these events. Their state first: what changes after that is noticed."""
        sources = frozenset(event.source for event in events)
        state = state_of(sources)
        self._held[sources] = _Held(registrations_for(events), state)
        return self._held[sources]


def _counts(pks: Collection[int]) -> dict[int, int]:
    """Return how many deliveries some events have."""
    rows = Delivery.objects.filter(event__pk__any_of=list(pks), slot=0).order_by()
    return dict(rows.values_list("event_id").annotate(count=Count("*")))


def _part(events: Sequence[EventRow], held: _Held, counts: Mapping[int, int], after: int, room: int) -> _Part:
    """Return the first of some events with all their registrations, as many as fit a transaction.

    ``counts`` says how many deliveries each has: those that are no longer wanted count as much as those that are.
    ``room`` is for how many of both there is room.
    """
    part = _Part([], [], Scope(after=after))
    for event, wanting in _wanting(events, held.matcher):
        if after:
            return _first_plans(event, wanting, after)
        size = max(2 * len(wanting), counts.get(event.pk, 0))
        if size > WISHES and not part.events:
            return _first_plans(event, wanting, after)
        room -= size
        if room < 0 and part.events:
            break
        part.events.append(event)
        part.pairs.extend((event, one) for one in wanting)
    return part


def _first_plans(event: EventRow, wanting: Sequence[Registration], after: int) -> _Part:
    """Return an event with the first of the plans after one that want it, or have deliveries of it."""
    most = WISHES // 2
    begin = bisect_right(wanting, after, key=attrgetter("pk"))
    left = wanting[begin : begin + most]
    rows = Delivery.objects.filter(event=event.pk, slot=0, registration__gt=after)
    stored = list(rows.order_by("registration_id").values_list("registration_id", flat=True)[:WISHES])
    ends = [left[-1].pk] if len(wanting) > begin + most else []
    if len(stored) == WISHES:
        ends += stored[-1:]
    until = min((pk for pk in ends if pk is not None), default=None)
    pairs = [(event, one) for one in left if until is None or one.pk <= until]
    return _Part([event], pairs, Scope(after=after, until=until))


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

    Events that ``are_new`` have neither deliveries nor answers, unless another process has planned them already for a
    registration that changed.
    """
    pairs = list(pairs)
    instant = now()
    said = {} if are_new else said_about([event.pk for event in events])
    wishes: list[Wish] = []
    runs: list[tuple[AnyEvent, Registration]] = []
    for event, registration in pairs:
        if event.canceled_at is None and registration.action != Registration.Action.NOTIFY:
            runs.append((event, registration))
        plan = steps.get(registration.pk, ())
        wishes += wishes_of(event, registration, plan, _present(event, said), instant)
    if not are_new:
        _reconcile(events, wishes, scope, instant)
    elif not reconcile.make(wishes):
        write(events, pairs, steps, scope)
        return
    bring_periods_in_line([] if are_new else events, runs, instant, scope)


def _reconcile(events: Sequence[EventRow], wishes: list[Wish], scope: Scope, instant: datetime) -> None:
    """Bring deliveries and change notices in line with the wishes of the scope."""
    rows = reconcile.rows_of(events, scope, wishes)
    changes = change_notices.changes_of(events, rows, instant)
    if changes and not scope.is_all:
        # The members may have been told by plans outside the scope.
        known = reconcile.rows_of_members({(change.event.pk, change.last.member_id) for change in changes})
        changes = change_notices.changes_of(events, known, instant)
    reconcile.bring_in_line(events, _less_late(wishes, changes), scope, rows)
    if scope.plans is None:
        change_notices.write(changes, events, instant, rows if scope.is_all else None)
        _end_asides(events, rows)


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
    looked_at = Q(pk__in=[])
    for one in registrations:
        if one.kind == Registration.Kind.DATE:
            looked_at |= Q(source=DATE_SOURCE, external_id=str(one.pk))
        elif one.calendar_id is not None:
            looked_at |= Q(source=f"{CALENDAR_PREFIX}{one.calendar_id}")
        else:
            looked_at |= Q(source=one.source) if one.source else Q(source__startswith=CALENDAR_PREFIX)
    return coming.filter(looked_at)
