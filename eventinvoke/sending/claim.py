"""Claiming: taking due deliveries for this worker, so that no other sends them.

One short transaction a batch: lock what is due and free (SKIP LOCKED; SQLite lets one writer in at
a time anyway), look up events, targets and members once each, set aside what must not go out, mark
the rest SENDING under a lease and write an attempt for each. When a worker dies before the commit,
nothing happened; when it dies after it, the lease runs out and ``leases`` takes over.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from common.channels import Channel, Preparing, Severity
from common.clock import now
from common.db import bulk
from common.states import State
from eventinvoke.models import Attempt, Delivery, Prepared
from eventinvoke.models.attempts import new_attempt_ids
from eventinvoke.planning.escalation import Miss, bring_forward
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.obsolete import unwanted
from eventinvoke.planning.planner import plan_events
from eventinvoke.querysets import TIME_IS_OVER
from eventinvoke.sending import limits
from eventinvoke.sending.compose import Claimed, Facts, Row, compose, facts_about
from eventinvoke.sending.mute_and_away import running
from eventinvoke.sending.text import Texts

log = logging.getLogger(__name__)

SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def claim(channel: Channel, limit: int) -> tuple[list[Claimed], bool]:
    """Take at most ``limit`` due deliveries of a channel, and say whether more may be due now."""
    instant = now()
    with transaction.atomic():
        free = limits.room(channel, limit, instant)
        if not free:
            return [], False
        rows = _locked(channel.kind, free, instant)
        if not rows:
            return [], False
        facts = facts_about(rows)
        orphans = {row.pk: row.event_id for row in rows if row.registration_id is None and not row.is_snooze}
        going = _set_aside(channel, [row for row in rows if row.pk not in orphans], facts, instant)
        ready = Prepared.objects.take([row.pk for row in rows]) if isinstance(channel, Preparing) else {}
        claimed = _claimed(going, facts, ready, instant)
        _mark(claimed, instant)
        limits.spend(channel, len(claimed))
    if orphans:
        _find_registrations(orphans)
    return claimed, len(rows) == free == limit


def _find_registrations(orphans: Mapping[int, int]) -> None:
    """Plan the events of deliveries whose registration was deleted; ``orphans`` are theirs by delivery.

    Another registration that wants the same has no delivery of its own, and takes this one over; else
    it is canceled. Until that is done it stays pending, whatever happens to this worker.
    """
    try:
        plan_events(sorted(set(orphans.values())))
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block:
            raise
        log.warning("deleted registrations are looked after later: %s", error)
    except Exception:
        log.exception("the events of deleted registrations can't be planned")
        Delivery.objects.filter(pk__in=list(orphans), registration=None).cancel(
            "The registration was deleted."
        )


def _locked(kind: str, limit: int, instant: datetime) -> list[Row]:
    """Lock due rows that nobody else has, the most urgent first; each severity is one index range."""
    rows: list[Row] = []
    for severity in SEVERITIES:
        due = Delivery.objects.due(kind, severity, instant)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows += map(Row._make, due.values_list(*Row._fields)[: limit - len(rows)])
        if len(rows) == limit:
            break
    return rows


def _set_aside(channel: Channel, rows: Sequence[Row], facts: Facts, instant: datetime) -> list[Row]:
    """Settle the deliveries that must not go out, and return the others."""
    aside: dict[tuple[State, str], list[Row]] = defaultdict(list)
    going: list[Row] = []
    # Planning cancels what is pending; what was on its way then comes here when it is tried again.
    dropped = unwanted([row.pk for row in rows if row.attempts])
    periods = running(rows, facts.plans, instant, is_silent=channel.capabilities.is_silent)
    for row in rows:
        verdict = _verdict(channel, row, facts, instant)
        if verdict is None and row.pk in dropped:
            verdict = State.CANCELED, dropped[row.pk]
        if verdict is None and periods:
            verdict = periods.verdict(row, facts.events[row.event_id].source)
        if verdict is None:
            going.append(row)
        else:
            aside[verdict].append(row)
    if not channel.capabilities.is_silent:
        # A retry was counted when it was tried first.
        fresh = [(row.pk, row.member_id, row.severity) for row in going if row.attempts == 0]
        over = limits.over_daily_cap(fresh, facts.members, instant)
        aside[State.SUPPRESSED, "The member's daily limit was reached."] = [r for r in going if r.pk in over]
        going = [row for row in going if row.pk not in over]
    for (state, reason), some in aside.items():
        if state == State.CANCELED:
            Delivery.objects.filter(pk__in=[row.pk for row in some]).cancel(reason)
            bring_forward([Miss(row.pk, row.event_id, row.registration_id, row.target_id) for row in some])
        elif some:
            Delivery.objects.filter(pk__in=[row.pk for row in some]).move_to(state, reason=reason)
    periods.settle()
    return going


def _verdict(channel: Channel, row: Row, facts: Facts, instant: datetime) -> tuple[State, str] | None:
    member = facts.members[row.member_id]
    _address, _config, is_usable = facts.targets[row.target_id]
    if row.deadline_at <= instant:
        return State.EXPIRED, TIME_IS_OVER
    if row.registration_id is None and facts.events[row.event_id].source != SUMMARY_SOURCE:
        return State.CANCELED, "The registration was deleted."
    if not member.is_active:
        return State.CANCELED, "The member's account is switched off."
    if not is_usable:
        return State.CANCELED, "The target is switched off or not verified."
    if row.severity < Severity.CRITICAL and not channel.capabilities.is_silent and member.is_quiet(instant):
        return State.SUPPRESSED, "It fell into the member's quiet hours."
    return None


def _claimed(
    rows: Sequence[Row], facts: Facts, ready: Mapping[int, tuple[UUID, bytes]], instant: datetime
) -> list[Claimed]:
    texts = Texts(instant)
    claimed = []
    for row, new_id in zip(rows, new_attempt_ids(len(rows)), strict=True):
        attempt_id, prepared = (ready.get(row.pk) if row.attempts == 0 else None) or (new_id, b"")
        message = compose(row, attempt_id, facts, texts, instant, prepared=prepared)
        claimed.append(
            Claimed(
                row.pk,
                row.event_id,
                row.registration_id,
                row.target_id,
                attempt_id,
                row.attempts + 1,
                message,
            )
        )
    return claimed


def _mark(claimed: Sequence[Claimed], instant: datetime) -> None:
    lease = instant + timedelta(seconds=settings.NOTICE_LEASE_SECONDS)
    Delivery.objects.filter(pk__any_of=[one.delivery_id for one in claimed]).move_to(
        State.SENDING, lease_until=lease, attempts=F("attempts") + 1, reason=""
    )
    bulk.insert(
        Attempt,
        ("id", "delivery_id", "number", "started_at", "outcome", "provider_id", "reason", "sequence"),
        [(one.attempt_id, one.delivery_id, one.number, instant, "", "", "", -1) for one in claimed],
    )
