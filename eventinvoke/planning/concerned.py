"""Which stored events changed registrations concern."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models import Max, Q

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event, Period, Share
from eventinvoke.planning.desired import DAY
from eventinvoke.planning.event_row import EventRow
from eventinvoke.planning.matching import Matcher, looked_at_by
from registration.models import Registration, Step


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
        coming = _events_of(in_force).order_by("pk").values_list(*EventRow._fields)
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
