"""One sync of one calendar: claim, read, compare, write the difference.

1. A conditional update of ``lease_until`` claims the calendar: of two syncs at once one goes on.
2. The provider reads it, outside of any transaction; what it gives is held against the entries that
   are stored, and only series that changed are expanded and compared with their events.
3. In one transaction entries, events and the calendar's columns are written; nothing is if the lease
   was lost meanwhile.

A reading that fails changes nothing but the calendar's own ``problem``, ``failures`` and times.
"""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from common.errors import FeedError
from eventinvoke.models import Event
from eventinvoke.planning.publish import publish, withdraw
from eventupdate.diff import Difference
from eventupdate.expand import window_at
from eventupdate.failing import LASTING, note_success, tell_of_failure, tell_of_refusal
from eventupdate.reading import Provider, Reading, RefusedError
from eventupdate.update import Update, has_rolled, work_out
from registration.models import Calendar

LEASE: Final = timedelta(minutes=10)
"""Longer than the longest fetch, expansion and write together."""
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
"""Each is loaded when it is first needed: Google's libraries take their time, and tens of megabytes."""

logger = logging.getLogger(__name__)
_writing = Lock()


class Outcome(StrEnum):
    """How a sync ended."""

    SYNCED = "synced"
    UNCHANGED = "unchanged"
    """The calendar is as it was when it was read last."""
    BUSY = "busy"
    """Somebody else reads it at present; nothing was done."""
    FAILED = "failed"
    """It could not be read; nothing that is stored changed."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did."""

    outcome: Outcome
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    """Entries, not events, that are as they were; they were not looked at any further."""
    skipped: int = 0
    """Entries that could not be read."""
    problem: str = ""
    notes: tuple[str, ...] = ()


def sync(calendar: Calendar, *, at: datetime) -> SyncReport:
    """Bring the events of a calendar in step with it. Two at once are harmless."""
    lease = at + LEASE
    if not Calendar.objects.free(at).filter(pk=calendar.pk).update(lease_until=lease):
        return SyncReport(Outcome.BUSY)
    try:
        calendar = Calendar.objects.select_related("account").get(pk=calendar.pk)
        return _sync(calendar, lease, at)
    except Calendar.DoesNotExist:
        return SyncReport(Outcome.BUSY)  # it was removed meanwhile
    except FeedError as error:
        return _fail(calendar, lease, at, error)
    except Exception:
        # A defect, or a database that went away: the calendar must not stay claimed for that.
        logger.exception("Calendar %s could not be synced", calendar.pk)
        return _fail(
            calendar, lease, at, FeedError("Something went wrong inside PFS Notice; its log says what.")
        )


def preview(calendar: Calendar, *, at: datetime) -> tuple[Update, tuple[str, ...]]:
    """Return what a sync would change and the provider's notes, and write nothing. Raises ``FeedError``."""
    reading = read(calendar)
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    return work_out(calendar, reading, window, at), reading.notes if reading else ()


def read(calendar: Calendar) -> Reading | None:
    """Read a calendar; None where nothing changed since it was read last.

    One that was never read, or has failed for long, is read as a whole.
    """
    is_fresh = calendar.expanded_until is not None and calendar.failures < LASTING
    provider: Provider = import_string(PROVIDERS[calendar.kind])
    return provider(calendar, is_fresh=is_fresh)


def _sync(calendar: Calendar, lease: datetime, at: datetime) -> SyncReport:
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    reading = read(calendar)
    if reading is None and not calendar.failures and not has_rolled(calendar, window):
        _finish(calendar, lease, at, {"synced_at": at})
        return SyncReport(Outcome.UNCHANGED)
    update = work_out(calendar, reading, window, at)
    with _turn(), transaction.atomic():
        if not Calendar.objects.select_for_update().filter(pk=calendar.pk, lease_until=lease).exists():
            return SyncReport(Outcome.BUSY)
        update.rows.write()
        _apply(calendar.source, update.difference)
        state = {
            "synced_at": at,
            "expanded_until": update.window.stop,
            "expanded_in": update.expanded_in,
            "source_time_zone": update.zone,
            "problem": update.problem,
            **(reading.state if reading else {}),
        }
        _finish(calendar, lease, at, state)
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


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until no other sync of this process writes, where the database is SQLite.

    It lets one writer in at a time, and gives up on those that wait for longer than a few large
    first syncs take.
    """
    with _writing if connection.vendor == "sqlite" else nullcontext():
        yield


def _apply(source: str, difference: Difference) -> None:
    if difference.renamed:
        Event.objects.bulk_update(difference.renamed, ["external_id", "series"], batch_size=200)
    if difference.removed:
        withdraw(source, [event.external_id for event in difference.removed])
    if difference.added or difference.changed:
        publish(chain(difference.added, difference.changed))


def _finish(calendar: Calendar, lease: datetime, at: datetime, state: Mapping[str, Any]) -> int:
    """Store how it went and give the calendar free, unless somebody else has taken it meanwhile.

    Returns how many rows that were: one or none.
    """
    next_sync_at = at + calendar.interval * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
    columns = {"failures": 0, "lease_until": None, "next_sync_at": next_sync_at, **state}
    return Calendar.objects.filter(pk=calendar.pk, lease_until=lease).update(**columns)


def _fail(calendar: Calendar, lease: datetime, at: datetime, error: FeedError) -> SyncReport:
    failures = calendar.failures + 1
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    problem = error.message[:_PROBLEM_LENGTH]
    state = {
        "failures": failures,
        "failed_at": at,
        "problem": problem,
        "next_sync_at": at + wait * random.uniform(1 - JITTER, 1),  # noqa: S311 - spreads load
    }
    with transaction.atomic():
        if not _finish(calendar, lease, at, state):
            return SyncReport(Outcome.BUSY)  # it was removed meanwhile, or somebody else has it
        if isinstance(error, RefusedError) and calendar.account is not None:
            tell_of_refusal(calendar, at)
        elif failures == LASTING:
            tell_of_failure(calendar, at)
    return SyncReport(Outcome.FAILED, problem=problem)
