"""One sync of one calendar: claim, read, compare, write the difference.

1. A conditional update of ``lease_until`` claims the calendar (``lease``): one of two concurrent syncs wins.
2. The provider reads it, outside of any transaction. Its reading is compared with the stored entries,
   and only changed series are expanded and compared with their events (``update``).
3. Events, entries and at last the calendar's columns are written in short transactions (``write``). A
   sync that loses its lease stops.

A failed reading changes only the calendar's ``problem``, ``failures`` and times.
"""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from common.errors import FeedError
from eventupdate.expand import window_at
from eventupdate.failing import LASTING, note_success, tell_of_failure, tell_of_refusal
from eventupdate.lease import Lease, LostLeaseError
from eventupdate.reading import Provider, Reading, RefusedError
from eventupdate.update import Update, has_rolled, work_out
from eventupdate.write import write
from registration.models import Calendar

FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)
JITTER: Final = 0.1
_PROBLEM_LENGTH: Final = 300

PROVIDERS: Final[Mapping[str, str]] = {
    Calendar.Kind.ICAL_URL: "eventupdate.providers.ical.read_address",
    Calendar.Kind.ICAL_FILE: "eventupdate.providers.ical.read_upload",
    Calendar.Kind.GOOGLE: "eventupdate.providers.google.read.read_google",
    Calendar.Kind.CALDAV: "eventupdate.providers.caldav.read.read",
}
"""Each is imported when it is first needed: Google's libraries load slowly and need tens of megabytes."""

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """How a sync ended."""

    SYNCED = "synced"
    UNCHANGED = "unchanged"
    """The calendar has not changed since the last reading."""
    BUSY = "busy"
    """Another sync has the calendar, or it was removed; this one stopped."""
    FAILED = "failed"
    """The calendar could not be read; its stored events stay."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did."""

    outcome: Outcome
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    """Unchanged entries (not events), which were not expanded."""
    skipped: int = 0
    """Entries that could not be read."""
    problem: str = ""
    notes: tuple[str, ...] = ()


def sync(calendar: Calendar, *, at: datetime) -> SyncReport:
    """Bring the events of a calendar in line with it. Two syncs of it at once are harmless."""
    lease = Lease.take(calendar, at)
    if lease is None:
        return SyncReport(Outcome.BUSY)
    try:
        calendar = Calendar.objects.select_related("account").get(pk=calendar.pk)
        return _sync(calendar, lease, at)
    except (Calendar.DoesNotExist, LostLeaseError):
        return SyncReport(Outcome.BUSY)
    except FeedError as error:
        return _fail(calendar, lease, at, error)
    except Exception:
        # A defect, or a lost database connection: the calendar must not stay claimed.
        logger.exception("Calendar %s could not be synced", calendar.pk)
        return _fail(
            calendar, lease, at, FeedError("PFS Notice has an internal error; its log has the details.")
        )


def preview(calendar: Calendar, *, at: datetime) -> tuple[Update, tuple[str, ...]]:
    """Return what a sync would change, with the provider's notes; writes nothing. Raises ``FeedError``."""
    reading = read(calendar)
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    return work_out(calendar, reading, window, at), reading.notes if reading else ()


def read(calendar: Calendar) -> Reading | None:
    """Read a calendar; None if nothing has changed since the last reading.

    After a first or interrupted sync, or many failures, it is read as a whole.
    """
    is_fresh = calendar.expanded_until is not None and calendar.failures < LASTING
    provider: Provider = import_string(PROVIDERS[calendar.kind])
    return provider(calendar, is_fresh=is_fresh)


def _sync(calendar: Calendar, lease: Lease, at: datetime) -> SyncReport:
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    reading = read(calendar)
    success = {"failures": 0, "synced_at": at, "next_sync_at": at + _varied(calendar.interval)}
    if reading is None and not calendar.failures and not has_rolled(calendar, window):
        lease.end(**success)
        return SyncReport(Outcome.UNCHANGED)
    update = work_out(calendar, reading, window, at)
    write(calendar.source, update.difference, update.rows, lease)
    with lease.transaction():
        lease.end(
            **success,
            expanded_until=update.window.stop,
            expanded_in=update.expanded_in,
            source_time_zone=update.zone,
            problem=update.problem,
            **(reading.state if reading else {}),
        )
        note_success(calendar)
    difference = update.difference
    return SyncReport(
        Outcome.UNCHANGED if reading is None and difference.is_empty else Outcome.SYNCED,
        added=len(difference.added),
        changed=len(difference.changed),
        removed=len(difference.removed),
        unchanged=update.unchanged,
        skipped=update.broken,
        problem=update.problem,
        notes=reading.notes if reading else (),
    )


def _fail(calendar: Calendar, lease: Lease, at: datetime, error: FeedError) -> SyncReport:
    failures = calendar.failures + 1
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    problem = error.message[:_PROBLEM_LENGTH]
    try:
        with transaction.atomic():
            lease.end(
                failures=failures,
                failed_at=at,
                problem=problem,
                next_sync_at=at + _varied(wait, at_most=1),
            )
            if isinstance(error, RefusedError) and calendar.account is not None:
                tell_of_refusal(calendar, at)
            elif failures == LASTING:
                tell_of_failure(calendar, at)
    except LostLeaseError:
        return SyncReport(Outcome.BUSY)
    return SyncReport(Outcome.FAILED, problem=problem)


def _varied(time: timedelta, at_most: float = 1 + JITTER) -> timedelta:
    """Return a time that differs a little with each call, so that calendars of one interval drift apart."""
    return time * random.uniform(1 - JITTER, at_most)  # noqa: S311 - spreads load
