"""Celery tasks: finding the calendars that are due, and syncing each in a task of its own.

The tasks run in the queue ``slow``, where a slow feed delays no notice.
"""

from datetime import timedelta
from typing import Final

from celery import shared_task

from common.clock import now
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.sync import sync
from registration.models import Calendar

ASK_AGAIN: Final = timedelta(minutes=1)
"""After this time a calendar is due again if no worker has synced it."""
_AT_ONCE: Final = 500


@shared_task(name="eventupdate.tasks.sync_calendars")
def sync_calendars() -> None:
    """Send a task for each calendar that is due."""
    at = now()
    for pk in Calendar.objects.due(at).order_by("next_sync_at").values_list("pk", flat=True)[:_AT_ONCE]:
        # Postponed first: otherwise each look would add a task for the same calendar to a long queue.
        if Calendar.objects.due(at).filter(pk=pk).update(next_sync_at=at + ASK_AGAIN):
            sync_calendar.apply_async((pk,), expires=ASK_AGAIN.total_seconds(), queue="slow")


@shared_task(name="eventupdate.tasks.sync_calendar")
def sync_calendar(pk: int) -> None:
    """Sync one calendar, unless it was removed or switched off."""
    calendar = Calendar.objects.filter(pk=pk, is_active=True).first()
    if calendar is not None:
        sync(calendar, at=now())


@shared_task(name="eventupdate.tasks.tidy_calendars")
def tidy_calendars() -> None:
    """Cancel the upcoming events of calendars that were removed or switched off."""
    withdraw_abandoned(now())
