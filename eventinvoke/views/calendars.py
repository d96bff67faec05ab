"""A calendar's page: what is coming in it, what changed of it lately, and who is told of it."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from common.clock import now
from common.db.lookups import holds
from eventinvoke.models import Delivery, Event, EventChange
from eventinvoke.views.changes import lines_of
from registration.access import calendars_for, editable_calendars_for, editable_registrations_for
from registration.membership import member_in
from registration.models import Calendar, Registration
from registration.sources import CALENDAR

PAGE: Final = 30
_CHANGES: Final = 8
_REGISTRATIONS: Final = 50
_COUNTED: Final = 200


@login_required
@require_safe
def calendar_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the coming entries of a calendar, those with the words ``q`` alone if there are some."""
    calendars = calendars_for(request.user).select_related("owner", "account").defer("content")
    calendar = get_object_or_404(calendars, pk=pk)
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    events = upcoming_of([calendar.source])
    if words:
        events = events.filter(holds("title", words) | holds("location", words))
    page = Paginator(events.order_by("starts_at", "pk"), PAGE).get_page(request.GET.get("page"))
    changes = EventChange.objects.filter(event__source=calendar.source).select_related("event")
    context = {
        "calendar": calendar,
        "is_editable": editable_calendars_for(request.user).filter(pk=pk).exists(),
        "words": words,
        "page": page,
        "told": _told(request, [event.pk for event in page.object_list]),
        "registrations": _registrations(request, calendar),
        "lines": lines_of(changes.order_by("-at", "-pk")[:_CHANGES]),
        "now": now(),
    }
    return render(request, "eventinvoke/calendar_detail.html", context)


def upcoming_of(sources: Collection[str]) -> "QuerySet[Event]":
    """Return the events of some sources that are not over and take place."""
    return Event.objects.filter(source__in=sources, deadline_at__gt=now(), canceled_at__isnull=True)


def _told(request: HttpRequest, events: Collection[int]) -> dict[int, list[Delivery]]:
    """Return by event what the member is going to be told of it."""
    told: dict[int, list[Delivery]] = defaultdict(list)
    rows = Delivery.objects.pending().filter(event__in=events, member=member_in(request))
    for delivery in rows.select_related("target").order_by("next_attempt_at", "pk"):
        told[delivery.event_id].append(delivery)
    return told


def _registrations(request: HttpRequest, calendar: Calendar) -> "QuerySet[Registration]":
    """Return the registrations that look at a calendar and that this person may change."""
    looks = Q(calendar=calendar) | Q(calendar=None, source="", member=member_in(request))
    rows = editable_registrations_for(request.user).filter(looks, kind=Registration.Kind.STANDING)
    return rows.select_related("member").order_by("name", "pk")[:_REGISTRATIONS]


@login_required
@require_safe
def calendar_counts(request: HttpRequest) -> HttpResponse:
    """Say of some calendars (``pk``) how many coming entries each has; the list of calendars asks."""
    keys = [int(key) for key in request.GET.getlist("pk")[:_COUNTED] if key.isdecimal() and len(key) < 19]  # noqa: PLR2004 - more digits are no key
    seen = calendars_for(request.user).filter(pk__in=keys).values_list("pk", flat=True)
    sources = {CALENDAR.source(pk): pk for pk in seen}
    counted = upcoming_of(list(sources)).order_by().values_list("source").annotate(Count("pk"))
    counts = dict.fromkeys(sources.values(), 0) | {sources[source]: count for source, count in counted}
    return render(request, "eventinvoke/calendar_counts.html", {"counts": counts})
