"""Whose deliveries a page shows: the member's own, or all members' where the staff asks for them."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from common import sources
from common.states import State
from eventinvoke.models import Delivery, Event
from registration.access import calendars_for, members_of
from registration.membership import member_in
from registration.models import Calendar
from registration.sources import CALENDAR

_DIGITS: Final = 18
"""More digits are no key."""


def is_for_all(request: HttpRequest) -> bool:
    """Say whether a member of the staff asks for all members' deliveries."""
    return request.user.is_staff and request.GET.get("all") == "1"


def deliveries_in(request: HttpRequest) -> "QuerySet[Delivery]":
    """Return the deliveries that a list shows."""
    if is_for_all(request):
        return Delivery.objects.all()
    return Delivery.objects.filter(member=member_in(request))


def deliveries_for(request: HttpRequest) -> "QuerySet[Delivery]":
    """Return the deliveries that this account may look at."""
    return Delivery.objects.filter(member__in=members_of(request.user))


def own_deliveries(request: HttpRequest) -> "QuerySet[Delivery]":
    """Return the deliveries that this account may answer: its member's own."""
    return Delivery.objects.filter(member=member_in(request))


def open_to(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    """Return those of some deliveries whose events may be looked at for their sake.

    A member who is no longer told of an event, because its source is no longer shared or the plan has changed,
    is not shown later changes of it either; that it was canceled is the last.
    """
    families = [kind for kind in sources.registry().values() if kind.is_family]
    is_owned = Q(pk__in=[])
    for kind in families:
        is_owned |= Q(event__source__startswith=kind.prefix)
    return rows.exclude(is_owned, state=State.CANCELED, event__canceled_at=None)


def calendar_in(request: HttpRequest) -> Calendar | None:
    """Return the ``calendar`` that the query names, if this account may see it."""
    chosen = request.GET.get("calendar", "")
    if not chosen.isdecimal() or len(chosen) > _DIGITS:
        return None
    return calendars_for(request.user).defer("content").filter(pk=int(chosen)).first()


class Origin(NamedTuple):
    """The source of an event as a page shows it."""

    label: str
    url: str
    """The page of the source; "" where it has none."""
    query: str
    """What the address of a new registration says to look at this source."""


def origin_of(request: HttpRequest, event: Event) -> Origin | None:
    """Return the source of an event, if this account may see the source's events."""
    kind = sources.kind_of(event.source)
    if kind is None or not kind.may_be_named or (kind.is_for_staff and not request.user.is_staff):
        return None
    found = sources.look_up([event.source]).get(event.source)
    if found is None or not (request.user.is_staff or found.owner in {None, member_in(request).pk}):
        return None
    key = kind.key_of(event.source)
    url = reverse(kind.page, args=[key]) if kind.page else ""
    query = {"calendar": key} if kind is CALENDAR else {"source": event.source}
    return Origin(found.label, url, urlencode(query))
