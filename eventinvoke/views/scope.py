"""Whose deliveries a page shows: one's own, or everybody's where the staff asks for them."""

from django.db.models import QuerySet
from django.http import HttpRequest

from eventinvoke.models import Delivery
from registration.access import members_of
from registration.membership import member_in


def is_for_all(request: HttpRequest) -> bool:
    """Say whether a member of the staff asks for everybody's."""
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
    """Return the deliveries that this account may answer: nobody confirms for another."""
    return Delivery.objects.filter(member=member_in(request))
