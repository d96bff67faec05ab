"""One sync of one calendar: claim, read, compare, write the difference.

1. A conditional update of ``lease_until`` claims the calendar: of two syncs at once one goes on.
2. The provider reads it, outside of any transaction, and expands it over the window.
3. In one transaction the reading is compared with what is stored, the difference is published and
   withdrawn, and the calendar's columns are set; nothing is written if the lease was lost.

A reading that fails changes nothing but the calendar's own ``problem``, ``failures`` and times.
"""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from common.channels import Severity
from common.errors import FeedError
from eventinvoke.models import Event
from eventinvoke.publish import EventDraft, publish, withdraw
from eventupdate.diff import Difference, compare
from eventupdate.expand import Expansion, Window, expand, window_at
from eventupdate.providers import Provider, Reading, caldav, google, ical
from eventupdate.resources import feed_of
from registration.models import Calendar

LEASE: Final = timedelta(minutes=5)
"""Longer than the longest fetch, expansion and write together."""
FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)
LASTING: Final = 6
"""So many failures in a row (half an hour) raise a system event."""
JITTER: Final = 0.1
_PROBLEM_LENGTH: Final = 300

PROVIDERS: Final[Mapping[str, Provider]] = {
    Calendar.Kind.ICAL_URL: ical.read_address,
    Calendar.Kind.ICAL_FILE: ical.read_upload,
    Calendar.Kind.GOOGLE: google.read_google,
    Calendar.Kind.CALDAV: caldav.read,
}

logger = logging.getLogger(__name__)


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
    """What a sync did: counts of events, and of entries that could not be read."""

    outcome: Outcome
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0
    problem: str = ""
    notes: tuple[str, ...] = ()


def sync(calendar: Calendar, *, at: datetime) -> SyncReport:
    """Bring the events of a calendar in step with it. Two at once are harmless."""
    lease = at + LEASE
    if not Calendar.objects.free(at).filter(pk=calendar.pk).update(lease_until=lease):
        return SyncReport(Outcome.BUSY)
    calendar.refresh_from_db()
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    try:
        reading = read(calendar, window)
        if reading is None:
            _finish(calendar, lease, at, {"synced_at": at})
            return SyncReport(Outcome.UNCHANGED)
        return _write(calendar, reading, expansion_of(calendar, reading, window), window, lease, at)
    except FeedError as error:
        return _fail(calendar, lease, at, error.message)
    except Exception:
        # A defect, or a database that went away: the calendar must not stay claimed for that.
        logger.exception("Calendar %s could not be synced", calendar.pk)
        return _fail(calendar, lease, at, "Something went wrong inside PFS Notice; its log says what.")


def preview(calendar: Calendar, *, at: datetime) -> tuple[Difference, Expansion, Reading]:
    """Return what a sync would change, and write nothing. Raises ``FeedError``."""
    window = window_at(at, settings.NOTICE_HORIZON_DAYS)
    reading = PROVIDERS[calendar.kind](calendar, is_fresh=False)
    if reading is None:
        msg = "The server did not give the calendar out."
        raise FeedError(msg)
    expansion = expansion_of(calendar, reading, window)
    return compare(calendar.source, expansion, window, at), expansion, reading


def expansion_of(calendar: Calendar, reading: Reading, window: Window) -> Expansion:
    """Return what a whole reading says about the window."""
    return expand(feed_of(reading.resources, reading.time_zone), window, calendar.default_time_zone)


def read(calendar: Calendar, window: Window) -> Reading | None:
    """Read a calendar; None where nothing changed and what is stored covers the window."""
    is_covered = calendar.expanded_until is not None and calendar.expanded_until >= window.stop
    is_fresh = is_covered and bool(calendar.content_hash) and not calendar.failures
    return PROVIDERS[calendar.kind](calendar, is_fresh=is_fresh)


def _write(
    calendar: Calendar, reading: Reading, expansion: Expansion, window: Window, lease: datetime, at: datetime
) -> SyncReport:
    with transaction.atomic():
        if not Calendar.objects.select_for_update().filter(pk=calendar.pk, lease_until=lease).exists():
            return SyncReport(Outcome.BUSY)
        difference = compare(calendar.source, expansion, window, at)
        _apply(calendar.source, difference)
        state = {
            "synced_at": at,
            "expanded_until": window.stop,
            "problem": expansion.problem,
            **reading.state,
        }
        _finish(calendar, lease, at, state)
    return SyncReport(
        Outcome.SYNCED,
        added=len(difference.added),
        changed=len(difference.changed),
        removed=len(difference.removed),
        unchanged=difference.unchanged,
        skipped=len(expansion.broken),
        problem=expansion.problem,
        notes=reading.notes,
    )


def _apply(source: str, difference: Difference) -> None:
    if difference.renamed:
        Event.objects.bulk_update(difference.renamed, ["external_id"], batch_size=200)
    if difference.removed:
        withdraw(source, [event.external_id for event in difference.removed])
    if difference.added or difference.changed:
        publish([*difference.added, *difference.changed])


def _finish(calendar: Calendar, lease: datetime, at: datetime, state: Mapping[str, Any]) -> None:
    """Store how it went and give the calendar free, unless somebody else has taken it meanwhile."""
    next_sync_at = at + calendar.interval * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
    columns = {"failures": 0, "lease_until": None, "next_sync_at": next_sync_at, **state}
    Calendar.objects.filter(pk=calendar.pk, lease_until=lease).update(**columns)


def _fail(calendar: Calendar, lease: datetime, at: datetime, problem: str) -> SyncReport:
    failures = calendar.failures + 1
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    state = {
        "failures": failures,
        "failed_at": at,
        "problem": problem[:_PROBLEM_LENGTH],
        "next_sync_at": at + wait * random.uniform(1 - JITTER, 1),  # noqa: S311 - spreads load
    }
    with transaction.atomic():
        _finish(calendar, lease, at, state)
        if failures == LASTING:
            _raise_system_event(calendar, at)
    return SyncReport(Outcome.FAILED, problem=problem[:_PROBLEM_LENGTH])


def _raise_system_event(calendar: Calendar, at: datetime) -> None:
    """Tell those who look after the system, once, that a calendar has not been readable for long.

    The name of a calendar that belongs to one member is that member's own business.
    """
    name = f"“{calendar.name}”" if calendar.owner_id is None else f"number {calendar.pk}"
    draft = EventDraft(
        source="system",
        external_id=f"calendar:{calendar.pk}:failing:{at:%Y%m%dT%H%M%SZ}",
        title=f"Calendar {name} can't be read",
        starts_at=at,
        description=f"{LASTING} attempts in a row have failed. Its notices go by what was read last.",
        severity=Severity.WARNING,
        labels={"kind": "calendar", "calendar": calendar.pk},
    )
    publish([draft])
