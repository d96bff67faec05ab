"""Receipts: what a provider, a phone key, a link or a service worker reports later.

Whoever receives a callback checks who sent it and translates it into a ``Report``; here it is
stored once, put in order and applied. Repeats, late ones and contradictions change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce

from common.clock import now
from common.db.retry_transaction import retry_transaction
from common.errors import ForgedError
from common.states import MISSED, State
from eventinvoke.models import Attempt, Delivery, Receipt
from eventinvoke.models.deliveries import report_until
from eventinvoke.planning.escalation import Miss, bring_forward

_STATUS = 32
_REASON = 300


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that was reported about one try."""

    attempt_id: UUID
    status: str
    """In the provider's own word, at most 32 characters."""
    fingerprint: str
    """The same for a repeat of the same report, at most 64 characters (a SHA-256 in hexadecimal)."""
    means: State | None
    """The state that it brings the delivery to; None for mere progress."""
    sequence: int | None = None
    """The provider's own order, if it gives one: what is older than the latest is not applied."""
    reason: str = ""
    """Why, in plain words, where somebody was not reached."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What came, without secrets."""
    provider_id: str = ""


@retry_transaction
def apply(report: Report) -> bool:
    """Store a report and apply it; return whether it changed the delivery's state.

    Raises ``ForgedError`` when there is no such attempt.
    """
    with transaction.atomic():
        attempt = Attempt.objects.select_for_update().filter(pk=report.attempt_id).first()
        if attempt is None:
            msg = "there is no such attempt"
            raise ForgedError(msg)
        receipt, is_new = Receipt.objects.get_or_create(
            fingerprint=report.fingerprint[:64],
            defaults={
                "attempt": attempt,
                "status": report.status[:_STATUS],
                "sequence": report.sequence,
                "payload": dict(report.payload),
            },
        )
        if not is_new or _is_late(attempt, report):
            return False
        _note(attempt, report)
        is_applied = report.means is not None and _move(attempt, report, report.means)
        if is_applied:
            Receipt.objects.filter(pk=receipt.pk).update(is_applied=True)
    return is_applied


def _is_late(attempt: Attempt, report: Report) -> bool:
    return report.sequence is not None and report.sequence <= attempt.sequence


def _note(attempt: Attempt, report: Report) -> None:
    changes: dict[str, Any] = {}
    if report.sequence is not None:
        changes["sequence"] = report.sequence
    if report.provider_id and not attempt.provider_id:
        changes["provider_id"] = report.provider_id[:200]
    if changes:
        Attempt.objects.filter(pk=attempt.pk).update(**changes)


def _move(attempt: Attempt, report: Report, means: State) -> bool:
    instant = now()
    changes: dict[str, Any] = {
        "lease_until": None,
        "sent_at": Coalesce("sent_at", instant),
        "reason": report.reason[:_REASON],
    }
    if means == State.SENT:
        # It is under way, so the end will be reported too; if not, somebody has to ask.
        changes["lease_until"] = report_until(instant)
    if means in {State.DELIVERED, State.ACKNOWLEDGED}:
        changes["delivered_at"] = Coalesce("delivered_at", instant)
    # A report about an earlier try says nothing against a later one, but that somebody was reached
    # by it counts whenever it comes.
    deliveries = Delivery.objects.filter(pk=attempt.delivery_id)
    if means in MISSED or means == State.SENT:
        deliveries = deliveries.filter(attempts=attempt.number)
    is_moved = deliveries.move_to(means, **changes) > 0
    if is_moved and means in MISSED:
        row = Delivery.objects.get(pk=attempt.delivery_id)
        bring_forward([Miss(row.pk, row.event_id, row.registration_id, row.target_id)])
    return is_moved
