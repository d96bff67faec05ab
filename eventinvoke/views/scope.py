"""Whose deliveries a page shows: the member's own, or all members' where the staff asks for them."""

from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest

from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.matching import CALENDAR_PREFIX
from registration.access import calendars_for, members_of
from registration.membership import member_in
from registration.models import Calendar

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

    Who is no longer told of an entry, as the calendar is no longer shared or the plan is another one, is not
    shown what becomes of it either; that it was canceled is the last.
    """
    return rows.exclude(
        state=State.CANCELED, event__canceled_at=None, event__source__startswith=CALENDAR_PREFIX
    )


def calendar_in(request: HttpRequest) -> Calendar | None:
    """Return the ``calendar`` that the query names, if this account may see it."""
    chosen = request.GET.get("calendar", "")
    if not chosen.isdecimal() or len(chosen) > _DIGITS:
        return None
    return calendars_for(request.user).defer("content").filter(pk=int(chosen)).first()


def calendar_of(request: HttpRequest, event: Event) -> Calendar | None:
    """Return the calendar that an event comes from, if this account may see it."""
    key = event.source.removeprefix(CALENDAR_PREFIX)
    if key == event.source or not key.isdecimal():
        return None
    return calendars_for(request.user).defer("content").filter(pk=int(key)).first()
