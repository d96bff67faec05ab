"""The sources that members bring: calendars, and events that are registered one by one."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from django.db.models import Q

from common import sources
from common.sources import Source, SourceKind
from registration.models import Calendar, Registration
from registration.models.calendars import PREFIX


def _find(names: Collection[str]) -> Iterator[Source]:
    return _rows(Q(pk__in=CALENDAR.keys_of(names)))


def _offer(member: int | None) -> Iterator[Source]:
    return _rows(Q() if member is None else Q(owner=member) | Q(owner=None))


def _rows(which: Q) -> Iterator[Source]:
    rows = Calendar.objects.filter(which).order_by("name", "pk").values_list("pk", "name", "owner_id")
    return (Source(CALENDAR.source(pk), name, owner) for pk, name, owner in rows)


CALENDAR: Final = SourceKind(
    prefix=PREFIX,
    label="Calendars",
    find=_find,
    offer=_offer,
    is_in_all=True,
    has_twins=True,
    page="eventinvoke:calendar-detail",
)
DATE: Final = SourceKind(prefix="registration", label="Single events", may_be_named=False)
"""Each event is that of the one registration whose key is its external id."""


def naming(names: Iterable[str]) -> Q:
    """Return the condition of standing registrations that look at one of these sources."""
    wanted = {name for name in names if sources.may_be_named(name)}
    looks = Q(calendar__isnull=True, source__in=wanted)
    if calendars := CALENDAR.keys_of(wanted):
        looks |= Q(calendar__in=calendars)
    if any(map(sources.is_in_all, wanted)):
        looks |= Q(calendar__isnull=True, source="")
    return Q(kind=Registration.Kind.STANDING) & looks
