"""Upcoming: what goes on, pending deliveries by day and event, and what will keep them from their members."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.channels import registry
from common.clock import now
from common.db.lookups import holds
from common.requests import row_key
from common.states import State
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.views.forecast import forecast
from eventinvoke.views.going_on import GoingOn, going_on
from eventinvoke.views.history import read_in_order
from eventinvoke.views.scope import is_for_all
from registration.membership import member_in
from registration.models import Member

PAGE: Final = 40
"""Notices on a page of one's own, by the starts of their events."""
EVENTS: Final = 8
"""Events on a page of all members', each with at most ``OF_AN_EVENT`` notices."""
OF_AN_EVENT: Final = 5
_WORDS: Final = 100
_DAY: Final = timedelta(days=1)
_WANTED: Final = Q(registration__isnull=False) | ~Q(origin="plan")
"""What a registration wants; of digests and notices of the account, what was snoozed has none."""
_READ_WITH: Final = ("event", "target", "member", "registration")


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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query asks for: a search, a channel, and after which notice the page begins."""

    words: str
    kind: str
    after: tuple[datetime, int, int] | None

    @property
    def is_narrowed(self) -> bool:
        """Whether there may be more without the search."""
        return bool(self.words or self.kind)

    def chosen(self, rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
        """Return those of the pending deliveries that the search finds."""
        rows = rows.filter(_WANTED, state=State.PENDING)
        return rows.filter(kind=self.kind) if self.kind else rows

    def searched(self, column: str) -> Q:
        """Return the condition that a title has the words."""
        return holds(column, self.words) if self.words else Q()


def _asked(request: HttpRequest) -> Asked:
    words = request.GET.get("q", "").replace("\0", "").strip()[:_WORDS]
    kind = request.GET.get("kind", "")
    return Asked(words, kind if kind in registry() else "", _read(request.GET.get("after", "")))


def _read(mark: str) -> tuple[datetime, int, int] | None:
    text, *keys = mark.split("_")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None or len(keys) != 2:  # noqa: PLR2004 - an event and a delivery
        return None
    return instant, row_key(keys[0]), row_key(keys[1])


@login_required
@require_safe
def upcoming_list(request: HttpRequest) -> HttpResponse:
    """Show what goes on, and page by page what is scheduled, by a search and a channel.

    A page that is open asks with its token, and gets 204 while nothing changed, from a few small queries.
    """
    asked, is_all, instant = _asked(request), is_for_all(request), now()
    member = member_in(request)
    present = going_on(member, instant, is_all=is_all)
    page, later = _of_all(asked, instant) if is_all else _own(member, asked)
    token = _token(request, present, page)
    if request.headers.get("HX-Request") and request.GET.get("token") == token:
        return HttpResponse(status=204)
    context = {
        "present": present,
        "days": by_day(page, forecast(page, instant, member.pk)),
        "later": later,
        "asked": asked,
        "kinds": list(registry()),
        "token": token,
        "is_all": is_all,
    }
    return render(request, "eventinvoke/upcoming_list.html", context)


def _own(member: Member, asked: Asked) -> tuple[list[Delivery], str]:
    """Return a page of a member's pending deliveries, and the mark of the next page. Two queries."""
    rows = asked.chosen(Delivery.objects.filter(asked.searched("event__title"), member=member))
    if asked.after is not None:
        start, event, pk = asked.after
        same = Q(starts_at=start, event__gt=event) | Q(starts_at=start, event=event, pk__gt=pk)
        rows = rows.filter(Q(starts_at__gt=start) | same, starts_at__gte=start)
    keys = list(rows.order_by("starts_at", "event_id", "pk").values_list("pk", flat=True)[: PAGE + 1])
    page = read_in_order(keys[:PAGE], *_READ_WITH)
    last = page[-1] if len(keys) > PAGE and page else None
    return page, f"{last.starts_at.isoformat()}_{last.event_id}_{last.pk}" if last else ""


def _of_all(asked: Asked, instant: datetime) -> tuple[list[Delivery], str]:
    """Return the same of all members: the next events, the first notices of each. ``EVENTS`` and one queries."""
    waiting = asked.chosen(Delivery.objects.filter(event=OuterRef("pk")))
    events = Event.objects.filter(asked.searched("title"), Exists(waiting), starts_at__gt=instant - _DAY)
    if asked.after is not None:
        start, event, _pk = asked.after
        same = Q(starts_at=start, pk__gt=event)
        events = events.filter(Q(starts_at__gt=start) | same, starts_at__gte=start)
    keys = list(events.order_by("starts_at", "pk").values_list("pk", "starts_at")[: EVENTS + 1])
    found: list[Delivery] = []
    for key, _start in keys[:EVENTS]:
        rows = asked.chosen(Delivery.objects.filter(event=key)).order_by("target_id", "due_at")
        found += rows.select_related(*_READ_WITH)[:OF_AN_EVENT]
    last = keys[EVENTS - 1] if len(keys) > EVENTS else None
    return found, f"{last[1].isoformat()}_{last[0]}_0" if last else ""


def _token(request: HttpRequest, present: GoingOn, page: Iterable[Delivery]) -> str:
    """Return a short word that changes with what the page shows."""
    member = member_in(request)
    periods = Period.objects.filter(ends_at__gt=now())
    if not is_for_all(request):
        periods = periods.filter(member=member)
    shown = (
        timezone.localtime(now()).date(),
        (member.time_zone, member.quiet_from, member.quiet_until, member.daily_cap),
        present.mark,
        [(one.pk, one.next_attempt_at, one.event.updated_at, str(one.target)) for one in page],
        list(periods.values_list("pk", "kind", "starts_at", "ends_at").order_by("pk")[:PAGE]),
    )
    return sha256(repr(shown).encode()).hexdigest()[:16]
