"""What is going to be told: pending deliveries by day and event."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.views.scope import deliveries_in, is_for_all

LIMIT: Final = 300
"""Deliveries on the page, the next ones first."""
_WAITING: Final = timedelta(days=8)
"""Nothing waits longer than a step may lie after its event, and a day."""


@dataclass(slots=True)
class ComingEvent:
    """One event with the deliveries that wait for it."""

    event: Event
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """One day, in the member's zone, with its events."""

    event: Event
    """One of that day, to name it by."""
    events: list[ComingEvent] = field(default_factory=list)


def by_day(deliveries: Iterable[Delivery]) -> list[Day]:
    """Group deliveries, in the order of their events' starts, by day and event."""
    days: list[Day] = []
    for delivery in deliveries:
        event = delivery.event
        date = timezone.localtime(event.starts_at).date()
        if not days or timezone.localtime(days[-1].event.starts_at).date() != date:
            days.append(Day(event))
        events = days[-1].events
        if not events or events[-1].event.pk != event.pk:
            events.append(ComingEvent(event))
        events[-1].deliveries.append(delivery)
    return days


@login_required
@require_safe
def coming_list(request: HttpRequest) -> HttpResponse:
    """Show what is coming. A page that is open already asks with its token, and gets 204 while nothing changed."""
    rows = (
        deliveries_in(request)
        .filter(state__in=[State.PENDING, State.SENDING], due_at__gt=now() - _WAITING)
        .exclude(Q(registration__isnull=True))
        .select_related("event", "target", "member")
        .order_by("event__starts_at", "event_id", "due_at", "pk")[: LIMIT + 1]
    )
    deliveries = list(rows)
    token = _token(deliveries)
    if request.headers.get("HX-Request") and request.GET.get("token") == token:
        return HttpResponse(status=204)
    context = {
        "days": by_day(deliveries[:LIMIT]),
        "is_cut": len(deliveries) > LIMIT,
        "limit": LIMIT,
        "token": token,
        "is_all": is_for_all(request),
    }
    return render(request, "eventinvoke/coming_list.html", context)


def _token(deliveries: Iterable[Delivery]) -> str:
    """Return a short word that changes with what the page shows."""
    day = timezone.localtime(now()).date()
    shown = [(d.pk, d.state, d.next_attempt_at, d.event.updated_at, d.target.label) for d in deliveries]
    return sha256(repr((day, shown)).encode()).hexdigest()[:16]
