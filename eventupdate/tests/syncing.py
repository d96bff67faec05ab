"""Syncing a calendar in a test, and what came of it."""

from datetime import datetime

from eventupdate.sync import SyncReport, sync
from eventupdate.tests.texts import AT
from registration.models import Calendar

WEEKLY = ("DTSTART:20261123T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3")


def run(calendar: Calendar, at: datetime = AT) -> SyncReport:
    """Sync a calendar and read it again."""
    report = sync(calendar, at=at)
    calendar.refresh_from_db()
    return report


def counts(report: SyncReport) -> tuple[int, int, int]:
    """Return how many events were added, changed and removed."""
    return report.added, report.changed, report.removed


def next_sync(calendar: Calendar) -> datetime:
    """Return when the calendar is read next."""
    assert calendar.next_sync_at is not None
    return calendar.next_sync_at
