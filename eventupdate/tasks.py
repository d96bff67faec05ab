"""Celery tasks: finding the calendars that are due, and syncing each in a task of its own.

The tasks run in the queue ``calendars``, where a slow feed delays no notice and no mail. A process reads so many at once
that it has threads left for mails, where it sends them too; and so many of one member that the others' are read as well.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Final

from celery import shared_task

from common.broker import waiting
from common.clock import now
from common.queues import Queue
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.sync import sync
from registration.models import Calendar

ASK_AGAIN: Final = timedelta(minutes=1)
"""A calendar whose task was not carried out by then has another sent."""
_QUEUE: Final = str(Queue.CALENDARS)
_MOST: Final = 50
"""So many messages may wait in the queue."""
_LOOKED_AT: Final = 1000
_OF_ONE_MEMBER: Final = 2
"""So many calendars of one member are read at once."""
_AT_ONCE: Final = 4
"""So many calendars are read at once by one process."""
_PAUSE: Final = timedelta(seconds=1)

_threads: Final = BoundedSemaphore(_AT_ONCE)


@shared_task(name="eventupdate.tasks.sync_calendars")
def sync_calendars() -> None:
    """Send a task for each calendar that is due, as long as there is room in the queue."""
    at = now()
    due = list(Calendar.objects.due(at).order_by("next_sync_at").values_list("pk", "owner")[:_LOOKED_AT])
    if not due:
        return
    again_at = at + ASK_AGAIN
    for pk in _fair(due, at)[: max(0, _MOST - waiting(_QUEUE))]:
        # Postponed before it is sent, or a queue that is behind would fill with the same ones.
        if Calendar.objects.due(at).filter(pk=pk).update(next_sync_at=again_at):
            sync_calendar.apply_async((pk, again_at.isoformat()), queue=_QUEUE)


def _fair(due: Iterable[tuple[int, int | None]], at: datetime) -> list[int]:
    """Return which of the due calendars, each with its owner, are read now: a few of each member."""
    read = Calendar.objects.filter(lease_until__gt=at, owner__isnull=False)
    busy: Counter[int | None] = Counter(read.values_list("owner", flat=True))
    chosen = []
    for pk, owner in due:
        busy[owner] += 1
        if owner is None or busy[owner] <= _OF_ONE_MEMBER:
            chosen.append(pk)
    return chosen


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
    if not _threads.acquire(blocking=False):
        calendars.update(next_sync_at=now() + _PAUSE)
        return
    try:
        calendar = calendars.first()
        if calendar is not None:
            sync(calendar, at=now())
    finally:
        _threads.release()


@shared_task(name="eventupdate.tasks.tidy_calendars")
def tidy_calendars() -> None:
    """Cancel the upcoming events of calendars that were removed or switched off."""
    withdraw_abandoned(now())
