"""Upcoming events of calendars that were removed or switched off."""

from datetime import datetime

from eventinvoke.models import Event
from eventinvoke.planning.publish import withdraw
from registration.models import Calendar
from registration.sources import CALENDAR


def withdraw_abandoned(at: datetime) -> int:
    """Cancel the upcoming events of such calendars; return how many were canceled.

    A calendar that is switched on again is read as a whole.
    """
    coming = Event.objects.filter(
        source__startswith=CALENDAR.prefix, canceled_at__isnull=True, starts_at__gt=at
    )
    sources = set(coming.order_by().values_list("source", flat=True).distinct())
    active = {CALENDAR.source(pk) for pk in Calendar.objects.active().values_list("pk", flat=True)}
    count = 0
    for source in sorted(sources - active):
        count += withdraw(source, list(coming.filter(source=source).values_list("external_id", flat=True)))
        Calendar.objects.filter(pk__in=CALENDAR.keys_of([source])).update(
            content_hash="", expanded_until=None
        )
    return count
