"""Planning: bring deliveries and periods in line with events and registrations, in bounded transactions.

An event and a registration each have a mark (``planning.marks``, ``planned_version``) that is committed with
their change. Planning either of them locks the events first and reads the registrations after that, so that of a
changed event and a changed registration the one that is planned last sees both. The mark goes in the
transaction that writes the last deliveries, and only if the version is still the one that was planned.
Planning touches PENDING rows and nothing else, and planning twice changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from django.db import transaction

from common.clock import now
from common.db.give_way import give_way
from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning import change_notices, marks, reconcile
from eventinvoke.planning.delivery_row import Row, Scope, rows_of, rows_of_members, told_by_twins
from eventinvoke.planning.desired import Wish, wishes_of
from eventinvoke.planning.event_row import AnyEvent, EventRow
from eventinvoke.planning.matching import DATE_SOURCE, Matcher, registrations_for, state_of
from eventinvoke.planning.parts import WISHES, Held, Place, counts_of, part_of
from eventinvoke.planning.periods import bring_periods_in_line
from eventinvoke.planning.settlement import Said
from eventinvoke.planning.twins import said_about_meetings, twins_of
from eventinvoke.planning.wants import steps_by_plan
from registration.models import Registration, Step

EVENTS: Final = 250
"""So many events are planned in one transaction at most; an answer about one of them waits for its end."""
FIRST: Final = 1
"""The version of an event that has not changed since it was first published."""
NEW: Final = 4
"""So many times more of new events, about which no answer can wait."""
_COLUMNS: Final = EventRow._fields
_NONE: Final[Mapping[int, EventRow]] = {}


class Planner:
    """Plans events; the registrations of a source are read once and checked in each transaction."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[frozenset[str], Held] = {}

    def plan(self, pks: Iterable[int]) -> None:
        """Plan some stored events with every registration, and take their marks off."""
        self._plan(dict.fromkeys(sorted(set(pks))), EVENTS, _NONE)

    def plan_new(self, events: Iterable[EventRow]) -> None:
        """Plan events that the caller has stored just now, and take their marks off.

        They need not be read again, unless another process has changed one since.
        """
        new = {event.pk: event for event in events}
        self._plan(dict.fromkeys(sorted(new)), EVENTS * NEW, new)

    def _plan(self, todo: dict[int, None], most: int, new: Mapping[int, EventRow]) -> None:
        at_once = most
        while todo:
            done, place = self._plan_some(list(islice(todo, at_once)), None, new)
            while place is not None:
                give_way()
                done, place = self._plan_some([place.event], place)
            # Lock few events where few fit a transaction.
            at_once = min(most, 2 * len(done) + 1)
            for pk in done:
                todo.pop(pk, None)
            if todo:
                give_way()

    def _plan_some(
        self, pks: list[int], place: Place | None, new: Mapping[int, EventRow] = _NONE
    ) -> tuple[list[int], Place | None]:
        """Plan the first of some events in one transaction; return their keys, or where one was left.

        ``place`` is where the only one of them was left. Events that are gone count as planned. Registrations are
        read before the transaction, as 20,000 of them take a second; if they keep changing, in it.
        """
        for is_last in (False, False, True):
            with transaction.atomic():
                versions, events = _lock(pks, new)
                held = self._held_for(events, may_read=is_last)
                if held is not None:
                    return self._plan_locked(events, versions, held, place, pks, are_new=bool(new))
            self._read(events)
        raise AssertionError

    def _plan_locked(
        self,
        events: Sequence[EventRow],
        versions: Mapping[int, int],
        held: Held,
        place: Place | None,
        pks: Collection[int],
        *,
        are_new: bool,
    ) -> tuple[list[int], Place | None]:
        after = place.plan if place is not None and versions.get(place.event) == place.version else 0
        counts = {} if are_new or after else counts_of(versions)
        part = part_of(events, held, counts, after, WISHES * NEW if are_new else WISHES)
        steps = held.steps_of({one.pk for _event, one in part.pairs})
        write(part.events, part.pairs, steps, part.scope, are_new=are_new)
        held.forget()
        planned = [event.pk for event in part.events]
        if part.scope.until is not None:
            return [], Place(planned[0], versions[planned[0]], part.scope.until)
        gone = [pk for pk in pks if pk not in versions]
        marks.take_off({pk: versions[pk] for pk in planned}, gone)
        return planned + gone, None

    def _held_for(self, events: Sequence[EventRow], *, may_read: bool) -> Held | None:
        """Return the registrations that look at these events, if they are known as they are in this transaction."""
        sources = frozenset(event.source for event in events)
        if DATE_SOURCE in sources or not sources:
            return Held(registrations_for(events), ())
        held = self._held.get(sources)
        if held is None or held.state != state_of(sources):
            held = self._read(events) if may_read else None
        return held

    def _read(self, events: Sequence[EventRow]) -> Held:
        """Read the registrations that look at these events. Their state first: what changes after that is noticed."""
        sources = frozenset(event.source for event in events)
        state = state_of(sources)
        self._held[sources] = Held(registrations_for(events), state)
        return self._held[sources]


def _lock(pks: Collection[int], new: Mapping[int, EventRow]) -> tuple[dict[int, int], list[EventRow]]:
    """Lock those of some events that exist, in the order of their sources; return their versions and their rows.

    Those that are still as they were ``new`` are not read.
    """
    locked = Event.objects.select_for_update().filter(pk__any_of=list(pks)).order_by("source", "pk")
    if new:
        versions = dict(locked.values_list("pk", "version"))
        if all(version == FIRST for version in versions.values()):
            return versions, [new[pk] for pk in versions]
    rows = list(locked.values_list("version", *_COLUMNS))
    return {row[1]: row[0] for row in rows}, [EventRow._make(row[1:]) for row in rows]


def write(
    events: Sequence[EventRow],
    pairs: Iterable[tuple[EventRow, Registration]],
    steps: Mapping[int, Sequence[Step]],
    scope: Scope,
    *,
    are_new: bool = False,
) -> None:
    """Write what the plans of the scope want of some locked events; ``pairs`` are those that match.

    Events that ``are_new`` have no deliveries, unless another process has planned them already for a registration
    that changed; answers about their twins count for them, and what was told of these, for steps that are overdue.
    """
    pairs = list(pairs)
    instant = now()
    twins = twins_of(events)
    said = said_about_meetings(events, twins) if twins or not are_new else {}
    wishes: list[Wish] = []
    runs: list[tuple[AnyEvent, Registration]] = []
    for event, registration in pairs:
        if event.canceled_at is None and registration.action != Registration.Action.NOTIFY:
            runs.append((event, registration))
        plan = steps.get(registration.pk, ())
        wishes += wishes_of(event, registration, plan, _present(event, said), instant)
    if not are_new:
        _reconcile(events, wishes, scope, instant, twins)
    elif any(wish.is_overdue and wish.event.pk in twins for wish in wishes) or not reconcile.make(wishes):
        write(events, pairs, steps, scope)
        return
    bring_periods_in_line([] if are_new else events, runs, instant, scope)


def _reconcile(
    events: Sequence[EventRow],
    wishes: list[Wish],
    scope: Scope,
    instant: datetime,
    twins: Mapping[int, Collection[int]],
) -> None:
    """Bring deliveries and change notices in line with the wishes of the scope."""
    rows = rows_of(events, scope, wishes)
    changes = change_notices.changes_of(events, rows, instant)
    if changes and not scope.is_all:
        # The members may have been told by plans outside the scope.
        known = rows_of_members({(change.event.pk, change.last.member_id) for change in changes})
        changes = change_notices.changes_of(events, known, instant)
    told = told_by_twins(twins) if twins else ()
    reconcile.bring_in_line(events, _less_late(wishes, changes), scope, rows, told)
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


def _end_asides(events: Sequence[EventRow], rows: Sequence[Row]) -> None:
    """Cancel snoozes and second calls about a start that the event no longer has."""
    present = {event.pk: event.starts_at for event in events if event.canceled_at is None}
    asides = (Delivery.Origin.SNOOZE, Delivery.Origin.REDIAL)
    stale = [
        row.pk
        for row in rows
        if row.state == State.PENDING and row.origin in asides and present.get(row.event_id) != row.starts_at
    ]
    reconcile.cancel(stale, "The event was moved or canceled.")


def plan_events(pks: Collection[int]) -> None:
    """Bring the deliveries of some stored events in line with all registrations."""
    Planner().plan(pks)


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
