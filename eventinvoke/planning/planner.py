"""Planning: from events and the registrations that want them to deliveries.

Planning compares what should be pending with what is, and writes only the reconcile. It touches
PENDING rows and nothing else: what was fired stays as it was. Planning twice changes nothing, so
whoever is in doubt plans again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import models, transaction
from django.db.models import Max, Q

from common.chunks import chunks
from common.clock import now
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.planning import reconcile
from eventinvoke.planning.desired import DAY, in_turn
from eventinvoke.planning.event_row import AnyEvent, EventRow
from eventinvoke.planning.matching import (
    DATE_SOURCE,
    SUMMARY_SOURCE,
    Matcher,
    looked_at_by,
    registrations_for,
    versions,
)
from eventinvoke.planning.periods import bring_periods_in_line
from registration.models import Registration, Step

BATCH: Final = 1000
_COLUMNS: Final = EventRow._fields


class Planner:
    """Plans events; the registrations of a source are read once and held.

    Meanwhile others may change a registration, and have it planned when the events can't be seen
    by them yet: that is looked after by ``look_again``, which is called once at the end.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[frozenset[str], _Held] = {}

    def plan(self, events: Sequence[AnyEvent], *, are_new: bool = False) -> None:
        """Bring the deliveries of these events, whose rows are locked, in line with the registrations.

        Events that ``are_new`` were stored in this transaction: no delivery of them exists.
        """
        if not events:
            return
        held, instant = self._held_for(events), now()
        for some, found in in_turn(events, held.matcher, instant, held.steps_of, are_new=are_new):
            if are_new:
                reconcile.make(found.deliveries)
            else:
                reconcile.bring_in_line(some, found.deliveries)
            bring_periods_in_line([] if are_new else some, found.runs, instant)

    def look_again(self) -> None:
        """When all is committed, have those registrations planned that were changed since they were read."""
        for sources, held in self._held.items():
            transaction.on_commit(partial(_mark_changed, sources, held.versions), robust=True)
        self._held.clear()

    def _held_for(self, events: Sequence[AnyEvent]) -> "_Held":
        sources = frozenset(event.source for event in events)
        held = self._held.get(sources)
        if held is None:
            held = _Held(registrations_for(events))
            if DATE_SOURCE not in sources:
                self._held[sources] = held
        return held


class _Held:
    """Registrations as they were read, with their plans."""

    def __init__(self, registrations: Sequence[Registration]) -> None:
        self.matcher = Matcher(registrations)
        self.versions = {one.pk: one.updated_at for one in registrations}
        self._steps: dict[int, list[Step]] = {}

    def steps_of(self, registration: Registration) -> list[Step]:
        steps = self._steps.get(registration.pk)
        if steps is None:
            # Asked once: each ``all()`` makes a query set, which for every event would add up.
            steps = self._steps[registration.pk] = list(registration.steps.all())
        return steps


def _mark_changed(sources: Collection[str], known: Mapping[int, datetime]) -> None:
    """Mark registrations that are other ones than those that were known, or that came or went."""
    pks = [pk for pk, _updated_at in known.items() ^ versions(sources).items()]
    if pks:
        Registration.objects.filter(pk__in=pks).changed()


def plan_events(pks: Collection[int]) -> None:
    """Bring the deliveries of these events in line with the registrations."""
    planner = Planner()
    for some in chunks(pks, BATCH):
        with transaction.atomic():
            locked = Event.objects.select_for_update().filter(pk__any_of=some).order_by("pk")
            planner.plan(list(map(EventRow._make, locked.values_list(*_COLUMNS))))
    if len(pks) > BATCH:
        # Registrations that are read when the events are locked can't be behind; those held longer can.
        planner.look_again()


def plan_registration(registration: Registration) -> None:
    """Bring the deliveries of one registration in line with it."""
    plan_events(concerned_by([registration])[registration.pk])


def concerned_by(registrations: Sequence[Registration]) -> dict[int, list[int]]:
    """Return for each registration the stored events of which it wants deliveries or has some.

    The events are in rising order. Looks once through what is stored and fetches nothing. Another
    registration may want just what one gives up, so these events are to be planned as a whole.
    """
    found: dict[int, set[int]] = {one.pk: set() for one in registrations}
    pending = Delivery.objects.pending().filter(registration__pk__any_of=list(found))
    periods = Period.objects.filter(registration__pk__any_of=list(found), ends_at__gt=now())
    for rows in (pending, periods):
        for pk, event_id in rows.values_list("registration_id", "event_id"):
            found[pk].add(event_id)
    off = [one.pk for one in registrations if not one.is_in_force]
    if off:
        put_off = pending.filter(registration__pk__any_of=off, is_snooze=True)
        put_off.exclude(event__source=SUMMARY_SOURCE).cancel("The registration was switched off or declined.")
    matcher = Matcher([one for one in registrations if one.is_in_force])
    coming = _events_of([one for one in registrations if one.is_in_force]).order_by("pk")
    for some in chunks(map(EventRow._make, coming.values_list(*_COLUMNS).iterator(BATCH)), BATCH):
        for event, registration in matcher.matching(some):
            found[registration.pk].add(event.pk)
    return {pk: sorted(events) for pk, events in found.items()}


def _events_of(registrations: Collection[Registration]) -> "models.QuerySet[Event]":
    """Events that are to come, or of which a step is, and whose source one of the registrations looks at."""
    steps = Step.objects.filter(registration__pk__any_of=[one.pk for one in registrations])
    last = steps.aggregate(last=Max("offset"))["last"] or timedelta(0)
    since = now() - max(last, timedelta(0))
    coming = Event.objects.filter(deadline_at__gt=since - DAY, canceled_at__isnull=True)
    coming = coming.filter(Q(deadline_at__gt=since) | Q(is_all_day=True))
    return coming.filter(looked_at_by(registrations))
