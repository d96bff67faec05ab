"""Set aside: which of the due deliveries must not go out now, why, and what follows from that.

Each is settled with its reason, and a step that does not reach its person lets its plans go on.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from common.channels import Channel, Severity
from common.concerned import about
from common.states import State
from eventinvoke.models import Delivery, Held
from eventinvoke.planning.escalation import Cause
from eventinvoke.planning.obsolete import ACCOUNT, APART, TARGET, unwanted
from eventinvoke.querysets import TIME_IS_OVER
from eventinvoke.sending import limits
from eventinvoke.sending.aside import Aside
from eventinvoke.sending.collapse import collapse
from eventinvoke.sending.compose import GONE_TARGET, Facts, Row
from eventinvoke.sending.mute_and_away import running
from registration import spending

log = logging.getLogger(__name__)

QUIET = "It fell into the member's quiet hours."
LIMIT = "The member's daily limit was reached."
_OWN_WISH: Final = frozenset({Delivery.Origin.SNOOZE})
"""The member asked for these at this very time, so that quiet hours, mutes and limits do not hold them back."""


def set_aside(channel: Channel, rows: Sequence[Row], facts: Facts, instant: datetime) -> list[Row]:
    """Settle the deliveries that must not go out, and return the others."""
    aside: dict[Aside, list[Row]] = defaultdict(list)
    going = _keep(rows, lambda row: _gone(row, facts, instant), aside)
    going = _less_obsolete(going, aside)
    going = collapse(going, instant)
    if not channel.capabilities.is_silent:
        going = _less_quiet(going, facts, instant, aside)
    periods = running(going, facts, instant, is_silent=channel.capabilities.is_silent)
    if periods:
        sources = {pk: event.source for pk, event in facts.events.items()}
        going = _keep(going, lambda row: periods.verdict(row, sources[row.event_id]), aside)
    if not channel.capabilities.is_silent:
        going = _less_capped(going, facts, instant, aside)
    going = _less_paid(channel, going, facts, instant, aside)
    for one, some in aside.items():
        one.write(some, instant)
    periods.settle()
    return going


def _keep(
    rows: Iterable[Row], why_not: Callable[[Row], Aside | None], aside: dict[Aside, list[Row]]
) -> list[Row]:
    """Return the rows that nothing is said against; a row that can't be judged fails and stops no other."""
    kept = []
    for row in rows:
        try:
            verdict = why_not(row)
        except Exception as error:
            with about([row.pk]):
                log.exception("delivery %s can't be judged and has failed", row.pk)
            verdict = Aside(State.FAILED, f"It could not be sent: {type(error).__name__}.")
        if verdict is None:
            kept.append(row)
        else:
            aside[verdict].append(row)
    return kept


def _gone(row: Row, facts: Facts, instant: datetime) -> Aside | None:
    """Return why a delivery can't be sent at all."""
    member = facts.members.get(row.member_id)
    _address, _config, is_usable = facts.targets.get(row.target_id, GONE_TARGET)
    if row.deadline_at <= instant:
        return Aside(State.EXPIRED, TIME_IS_OVER)
    if member is None or not member.is_active:
        return Aside(State.CANCELED, ACCOUNT)
    if not is_usable:
        return Aside(State.CANCELED, TARGET)
    return None


def _less_obsolete(rows: Sequence[Row], aside: dict[Aside, list[Row]]) -> list[Row]:
    """Leave out what no plan wants any more: it was on its way, or brought forward, when its event or plan changed."""
    asked = [row.pk for row in rows if row.attempts or row.origin != Delivery.Origin.PLAN]
    dropped = unwanted(asked)
    return _keep(
        rows,
        lambda row: Aside(State.CANCELED, dropped[row.pk], None) if row.pk in dropped else None,
        aside,
    )


def _less_quiet(
    rows: Sequence[Row], facts: Facts, instant: datetime, aside: dict[Aside, list[Row]]
) -> list[Row]:
    """Hold back what falls into its member's quiet hours; a digest tells of it when they end."""
    held: list[Held] = []

    def why_not(row: Row) -> Aside | None:
        member = facts.members[row.member_id]
        if row.severity >= Severity.CRITICAL or row.origin in _OWN_WISH or not member.is_quiet(instant):
            return None
        held.append(
            Held(
                delivery_id=row.pk,
                member_id=member.pk,
                registration=None,
                until=member.quiet_ends_at(instant),
            )
        )
        return Aside(State.SUPPRESSED, QUIET, Cause.HELD)

    going = _keep(_awake(rows, facts, instant), why_not, aside)
    if held:
        Held.objects.bulk_create(held, ignore_conflicts=True)
    return going


def _awake(rows: Sequence[Row], facts: Facts, instant: datetime) -> list[Row]:
    """Postpone digests and notices to one member to the end of the member's quiet hours."""
    kept = []
    for row in rows:
        member = facts.members[row.member_id]
        if row.origin in APART and row.severity < Severity.CRITICAL and member.is_quiet(instant):
            until = min(member.quiet_ends_at(instant), row.deadline_at - timedelta(minutes=1))
            if until > instant:
                Delivery.objects.pending().filter(pk=row.pk).update(next_attempt_at=until)
                continue
        kept.append(row)
    return kept


def _less_capped(
    rows: Sequence[Row], facts: Facts, instant: datetime, aside: dict[Aside, list[Row]]
) -> list[Row]:
    """Hold back what exceeds its member's day; a retry was counted when it was tried first."""
    fresh = [
        (row.pk, row.member_id or 0, row.severity)
        for row in rows
        if row.attempts == 0 and row.origin not in _OWN_WISH
    ]
    over = limits.over_daily_cap(fresh, {pk or 0: member for pk, member in facts.members.items()}, instant)
    return _keep(
        rows, lambda row: Aside(State.SUPPRESSED, LIMIT, Cause.HELD) if row.pk in over else None, aside
    )


def _less_paid(
    channel: Channel, rows: Sequence[Row], facts: Facts, instant: datetime, aside: dict[Aside, list[Row]]
) -> list[Row]:
    """Hold back what exceeds the administrator's limits of calls and texts a day; the plan goes on to the next person."""
    fresh = [row for row in rows if row.attempts == 0]
    reasons = spending.take(channel.kind, [row.member_id or 0 for row in fresh], instant)
    over = {row.pk: reason for row, reason in zip(fresh, reasons, strict=True) if reason}
    if over:
        with about(over):
            log.warning("%s: %s of %s notices exceed a daily limit", channel.kind, len(over), len(fresh))
        counted = [row.member_id for row in fresh if row.pk in over and row.origin not in _OWN_WISH]
        if not channel.capabilities.is_silent:
            limits.give_back(counted, facts.members, instant)
    return _keep(rows, lambda row: Aside(State.SUPPRESSED, over[row.pk]) if row.pk in over else None, aside)
