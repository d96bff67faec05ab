"""Upcoming: pending deliveries by day and event, and what will keep them from their members."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import sha256
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.views.forecast import forecast
from eventinvoke.views.scope import deliveries_in, is_for_all
from registration.membership import member_in

LIMIT: Final = 300
"""Deliveries on the page, the next ones first."""
_WANTED: Final = Q(registration__isnull=False) | ~Q(origin="plan")
"""What a registration wants; of digests and notices of the account, what was snoozed has none."""
_TOKEN: Final = ("pk", "state", "next_attempt_at", "event__updated_at", "target__label")
_TOKEN_OF: Final = [column.replace("__", ".") for column in _TOKEN]
_WAITING: Final = timedelta(days=8)
"""Nothing waits longer than a step may lie after its event, and a day."""


@dataclass(slots=True)
class Upcoming:
    """One delivery, and what will keep it from its member as things stand."""

    delivery: Delivery
    note: str = ""

    @property
    def is_snoozed(self) -> bool:
        """Whether its member snoozed it."""
        return is_snoozed(self.delivery)


@dataclass(slots=True)
class UpcomingEvent:
    """One event with the deliveries that wait for it."""

    event: Event
    deliveries: list[Upcoming] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """One day, in the member's zone, with its events."""

    at: datetime
    """An instant of that day, to name it by."""
    events: list[UpcomingEvent] = field(default_factory=list)


def is_snoozed(delivery: Delivery) -> bool:
    """Say whether a member snoozed a notice."""
    return delivery.origin == Delivery.Origin.SNOOZE


def by_day(deliveries: Iterable[Delivery], notes: Mapping[int, str] = MappingProxyType({})) -> list[Day]:
    """Group deliveries by day and event, in the order of their events' starts in the viewer's zone."""
    days: list[Day] = []
    for delivery in sorted(deliveries, key=_place):
        event, at = delivery.event, _local_start(delivery.event)
        if not days or days[-1].at.date() != at.date():
            days.append(Day(at))
        events = days[-1].events
        if not events or events[-1].event.pk != event.pk:
            events.append(UpcomingEvent(event))
        events[-1].deliveries.append(Upcoming(delivery, notes.get(delivery.pk, "")))
    return days


def _local_start(event: Event) -> datetime:
    """Return when an event starts; one that lasts all day begins at midnight in every zone."""
    if event.is_all_day and event.starts_on is not None:
        return datetime.combine(event.starts_on, time(0), timezone.get_current_timezone())
    return timezone.localtime(event.starts_at)


def _place(delivery: Delivery) -> tuple[datetime, int, datetime, int]:
    return _local_start(delivery.event), delivery.event_id, delivery.due_at, delivery.pk


@login_required
@require_safe
def upcoming_list(request: HttpRequest) -> HttpResponse:
    """Show what is scheduled.

    A page that is open asks with its token, and gets 204 while nothing changed, from two small queries.
    """
    rows, known = _rows(request), request.GET.get("token")
    if request.headers.get("HX-Request") and known == _token(request, rows.values_list(*_TOKEN)):
        return HttpResponse(status=204)
    deliveries = list(rows.select_related("event", "target", "member", "registration"))
    token = _token(request, [attrgetter(*_TOKEN_OF)(one) for one in deliveries])
    notes = forecast(deliveries[:LIMIT], now(), member_in(request).pk)
    context = {
        "days": by_day(deliveries[:LIMIT], notes),
        "is_cut": len(deliveries) > LIMIT,
        "limit": LIMIT,
        "token": token,
        "is_all": is_for_all(request),
    }
    return render(request, "eventinvoke/upcoming_list.html", context)


def _rows(request: HttpRequest) -> "QuerySet[Delivery]":
    rows = deliveries_in(request).filter(
        _WANTED, state__in=[State.PENDING, State.SENDING], due_at__gt=now() - _WAITING
    )
    return rows.order_by("event__starts_at", "event_id", "due_at", "pk")[: LIMIT + 1]


def _token(request: HttpRequest, rows: Iterable[tuple[object, ...]]) -> str:
    """Return a short word that changes with what the page shows; ``rows`` hold the columns of ``_TOKEN``."""
    member = member_in(request)
    periods = Period.objects.filter(ends_at__gt=now())
    if not is_for_all(request):
        periods = periods.filter(member=member)
    shown = (
        timezone.localtime(now()).date(),
        (member.time_zone, member.quiet_from, member.quiet_until, member.daily_cap),
        list(rows),
        list(periods.values_list("pk", "kind", "starts_at", "ends_at").order_by("pk")[:LIMIT]),
    )
    return sha256(repr(shown).encode()).hexdigest()[:16]
