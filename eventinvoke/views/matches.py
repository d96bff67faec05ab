"""Which coming events a pattern finds, while it is typed."""

from typing import Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common import patterns
from common.clock import now
from common.errors import InputError
from eventinvoke.matching import CALENDAR_PREFIX
from eventinvoke.models import Event
from registration.access import calendars_for
from registration.membership import member_in
from registration.models import Calendar

LOOKED_AT: Final = 500
SHOWN: Final = 10


class Match(NamedTuple):
    """An event, and its title in three parts: before, what was found, after."""

    event: Event
    before: str
    found: str
    after: str


@login_required
@require_safe
def match_list(request: HttpRequest) -> HttpResponse:
    """Show the next events that fit ``pattern``, of one ``calendar`` or of all that the member sees."""
    pattern = request.GET.get("pattern", "")
    context: dict[str, object] = {"pattern": pattern, "shown": SHOWN}
    if pattern:
        try:
            patterns.check(pattern)
        except InputError as error:
            context["problem"] = error.message
        else:
            events = _coming(request)
            matches = [match for event in events if (match := _match(pattern, event))]
            context |= {"matches": matches[:SHOWN], "count": len(matches), "looked_at": len(events)}
    return render(request, "eventinvoke/match_list.html", context)


def _coming(request: HttpRequest) -> list[Event]:
    chosen = request.GET.get("calendar", "")
    if chosen.isdecimal() and len(chosen) < 19:  # noqa: PLR2004 - more digits are no key
        calendars = calendars_for(request.user).filter(pk=int(chosen))
    else:
        calendars = Calendar.objects.visible_to(member_in(request))
    sources = [f"{CALENDAR_PREFIX}{pk}" for pk in calendars.values_list("pk", flat=True)[:LOOKED_AT]]
    coming = Event.objects.filter(source__in=sources, deadline_at__gt=now(), canceled_at__isnull=True)
    return list(coming.order_by("starts_at", "pk")[:LOOKED_AT])


def _match(pattern: str, event: Event) -> Match | None:
    place = patterns.find(pattern, event.title)
    if place is None:
        return None
    start, end = place
    return Match(event, event.title[:start], event.title[start:end], event.title[end:])
