"""Receipts: what a provider, a phone key, a link or a service worker reports later.

The view that receives a callback checks who sent it and translates it into a ``Report``; here it is
stored once and applied. The state of a delivery depends on the set of reports, not on their order: evidence
of a person goes before any failure, and a failure before mere progress. A repeat changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from common import concerned
from common.clock import now
from common.db.retry_transaction import retry_transaction
from common.errors import ForgedError
from common.states import MISSED, State
from eventinvoke.models import Attempt, Delivery, Event, Receipt, Tally
from eventinvoke.models.deliveries import report_until
from eventinvoke.planning import marks
from eventinvoke.planning.escalation import Cause, Miss, bring_forward

_STATUS = 32
_REASON = 300
_TOPICS: Final = {
    State.FAILED: Tally.Topic.FAILED,
    State.UNDELIVERED: Tally.Topic.UNDELIVERED,
    State.DELIVERED: Tally.Topic.REACHED,
}


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
    """The provider's own order, if it gives one; kept with the receipt."""
    reason: str = ""
    """Why, in plain words, where the person was not reached."""
    may_redial: bool = False
    """Whether calling again may help: a busy line, no answer."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What came, without secrets."""
    provider_id: str | None = None
    """The provider's own id of what it reports about; None where none is given (a browser, the inbox)."""
    kind: str = field(kw_only=True)
    """The kind of channel that such a report comes from."""


@retry_transaction
def apply(report: Report) -> bool:
    """Store a report and apply it; return whether it changed the delivery's state.

    Raises ``ForgedError`` when there is no such attempt, when its channel is of another kind, or when the provider
    calls it by another id.
    """
    kind = Delivery.objects.filter(pk=OuterRef("delivery")).values("kind")
    with transaction.atomic():
        attempts = Attempt.objects.select_for_update().annotate(channel=Subquery(kind))
        attempt = attempts.filter(pk=report.attempt_id).first()
        if attempt is None or attempt.channel != report.kind:
            msg = "there is no such attempt"
            raise ForgedError(msg)
        concerned.note([attempt.delivery_id])
        if report.provider_id is not None and not attempt.is_of(report.provider_id):
            msg = "the provider calls this attempt by another id"
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
        if not is_new:
            return False
        _note(attempt, report)
        is_applied = report.means is not None and _move(attempt, report, report.means)
        if is_applied:
            Receipt.objects.filter(pk=receipt.pk).update(is_applied=True)
    return is_applied


def _note(attempt: Attempt, report: Report) -> None:
    if report.sequence is not None and report.sequence > attempt.sequence:
        Attempt.objects.filter(pk=attempt.pk).update(sequence=report.sequence)


def _move(attempt: Attempt, report: Report, means: State) -> bool:
    instant = now()
    changes: dict[str, Any] = {
        "lease_until": None,
        "sent_at": Coalesce("sent_at", instant),
        "reason": report.reason[:_REASON],
    }
    if means == State.SENT:
        # It is under way, so the end will be reported too; if not, the provider is asked.
        changes["lease_until"] = report_until(instant)
    elif means in MISSED:
        changes["settled_at"] = instant
    else:
        changes["delivered_at"] = Coalesce("delivered_at", instant)
    # A report about an earlier try says nothing against a later one, but a person whom it reached
    # counts whenever the report comes.
    deliveries = Delivery.objects.filter(pk=attempt.delivery_id)
    if means in MISSED or means == State.SENT:
        deliveries = deliveries.filter(attempts=attempt.number)
    is_moved = deliveries.move_to(means, **changes) > 0
    if is_moved and means != State.SENT:
        Tally.objects.note(report.kind, {_TOPICS[means]: 1})
    if is_moved and means in MISSED:
        cause = Cause.NO_ANSWER if report.may_redial else Cause.FAILED
        bring_forward([Miss(attempt.delivery_id, cause)])
    elif is_moved and means != State.SENT:
        _look_for_changes(attempt)
    return is_moved


def _look_for_changes(attempt: Attempt) -> None:
    """Have the event planned again where a person was told what has changed since: a change notice is due."""
    event = Event.objects.filter(deliveries=attempt.delivery_id)
    changed = event.filter(~Q(starts_at=attempt.starts_at) | Q(canceled_at__isnull=False))
    if attempt.starts_at is not None and (pk := changed.values_list("pk", flat=True).first()) is not None:
        marks.change([pk])
