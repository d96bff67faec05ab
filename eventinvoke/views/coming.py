"""What is going to be told: pending deliveries by day and event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import sha256
from types import MappingProxyType
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
from eventinvoke.planning.periods import notes_on
from eventinvoke.views.scope import deliveries_in, is_for_all

LIMIT: Final = 300
"""Deliveries on the page, the next ones first."""
_WAITING: Final = timedelta(days=8)
"""Nothing waits longer than a step may lie after its event, and a day."""


@dataclass(slots=True)
class Coming:
    """One delivery, and what will keep it from its member as things stand."""

    delivery: Delivery
    note: str = ""


@dataclass(slots=True)
class ComingEvent:
    """One event with the deliveries that wait for it."""

    event: Event
    deliveries: list[Coming] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """One day, in the member's zone, with its events."""

    at: datetime
    """An instant of that day, to name it by."""
    events: list[ComingEvent] = field(default_factory=list)


def by_day(deliveries: Iterable[Delivery], notes: Mapping[int, str] = MappingProxyType({})) -> list[Day]:
    """Group deliveries by day and event, in the order of their events' starts in the viewer's zone."""
    days: list[Day] = []
    for delivery in sorted(deliveries, key=_place):
        event, at = delivery.event, _local_start(delivery.event)
        if not days or days[-1].at.date() != at.date():
            days.append(Day(at))
        events = days[-1].events
        if not events or events[-1].event.pk != event.pk:
            events.append(ComingEvent(event))
        events[-1].deliveries.append(Coming(delivery, notes.get(delivery.pk, "")))
    return days


def _local_start(event: Event) -> datetime:
    """Return when an event starts; one that lasts all day begins at midnight wherever somebody is."""
    if event.is_all_day and event.starts_on is not None:
        return datetime.combine(event.starts_on, time(0), timezone.get_current_timezone())
    return timezone.localtime(event.starts_at)


def _place(delivery: Delivery) -> tuple[datetime, int, datetime, int]:
    return _local_start(delivery.event), delivery.event_id, delivery.due_at, delivery.pk


@login_required
@require_safe
def coming_list(request: HttpRequest) -> HttpResponse:
    """Show what is coming. A page that is open already asks with its token, and gets 204 while nothing changed."""
    rows = (
        deliveries_in(request)
        .filter(state__in=[State.PENDING, State.SENDING], due_at__gt=now() - _WAITING)
        .exclude(Q(registration__isnull=True))
        .select_related("event", "target", "member", "registration")
        .order_by("event__starts_at", "event_id", "due_at", "pk")[: LIMIT + 1]
    )
    deliveries = list(rows)
    notes = notes_on(deliveries[:LIMIT], now())
    token = _token(deliveries, notes)
    if request.headers.get("HX-Request") and request.GET.get("token") == token:
        return HttpResponse(status=204)
    context = {
        "days": by_day(deliveries[:LIMIT], notes),
        "is_cut": len(deliveries) > LIMIT,
        "limit": LIMIT,
        "token": token,
        "is_all": is_for_all(request),
    }
    return render(request, "eventinvoke/coming_list.html", context)


def _token(deliveries: Iterable[Delivery], notes: Mapping[int, str]) -> str:
    """Return a short word that changes with what the page shows."""
    day = timezone.localtime(now()).date()
    shown = [(d.pk, d.state, d.next_attempt_at, d.event.updated_at, d.target.label) for d in deliveries]
    return sha256(repr((day, shown, sorted(notes.items()))).encode()).hexdigest()[:16]
