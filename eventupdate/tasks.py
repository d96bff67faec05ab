"""Celery tasks: finding the calendars that are due, and syncing each in a task of its own.

The tasks run in the queue ``slow``, where a slow feed delays no notice.
"""

from datetime import datetime, timedelta
from typing import Final

from celery import shared_task

from common.broker import waiting
from common.clock import now
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.sync import sync
from registration.models import Calendar

ASK_AGAIN: Final = timedelta(minutes=1)
"""A calendar whose task was not carried out by then has another sent."""
_MOST: Final = 50
"""So many messages may wait in the queue; it has room then for the mails, which wait there too."""


@shared_task(name="eventupdate.tasks.sync_calendars")
def sync_calendars() -> None:
    """Send a task for each calendar that is due, as long as there is room in the queue."""
    at = now()
    pks = list(Calendar.objects.due(at).order_by("next_sync_at").values_list("pk", flat=True)[:_MOST])
    if not pks:
        return
    again_at = at + ASK_AGAIN
    for pk in pks[: max(0, _MOST - waiting("slow"))]:
        # Postponed before it is sent, or a queue that is behind would fill with the same ones.
        if Calendar.objects.due(at).filter(pk=pk).update(next_sync_at=again_at):
            sync_calendar.apply_async((pk, again_at.isoformat()), queue="slow")


@shared_task(name="eventupdate.tasks.sync_calendar")
def sync_calendar(pk: int, mark: str | None = None) -> None:
    """Sync one calendar; nothing if it is gone or switched off.

    ``mark`` is the time, in ISO 8601, at which another task for it is sent. A task whose calendar has
    another one has waited so long that it was followed by another, or the calendar was read meanwhile:
    it does nothing.
    """
    calendars = Calendar.objects.filter(pk=pk, is_active=True)
    if mark is not None:
        calendars = calendars.filter(next_sync_at=datetime.fromisoformat(mark))
    calendar = calendars.first()
    if calendar is not None:
        sync(calendar, at=now())


@shared_task(name="eventupdate.tasks.tidy_calendars")
def tidy_calendars() -> None:
    """Cancel the upcoming events of calendars that were removed or switched off."""
    withdraw_abandoned(now())
