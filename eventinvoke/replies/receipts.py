"""Receipts: what a provider, a phone key, a link or a service worker reports later.

The view that receives a callback checks who sent it and translates it into a ``Report``; here it is
stored once and applied. The state of a delivery depends on the set of reports, not on their order: evidence
of a person goes before any failure, and a failure before mere progress. A repeat changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from common import concerned
from common.clock import now
from common.db import bulk
from common.db.prepared import Given, Row
from common.db.retry_transaction import retry_transaction
from common.errors import ForgedError
from common.states import MISSED, State, before, may_follow
from eventinvoke.models import Attempt, Delivery, Receipt, Tally
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
    if _store_alone(report):
        return False
    with transaction.atomic():
        attempt = _lock(report.attempt_id)
        if attempt is None or attempt.delivery.kind != report.kind:
            msg = "there is no such attempt"
            raise ForgedError(msg)
        concerned.note([attempt.delivery_id])
        if report.provider_id is not None and not attempt.is_of(report.provider_id):
            msg = "the provider calls this attempt by another id"
            raise ForgedError(msg)
        is_applied = report.means is not None and _moves(attempt, report.means)
        if not bulk.insert_one(Receipt, _columns(report, is_applied=is_applied)):
            return False
        if is_applied and report.means is not None:
            _move(attempt, report, report.means)
    return is_applied


def _locked(pk: Given) -> "QuerySet[Attempt]":
    """Lock an attempt, and its delivery after it."""
    tables = ("self", "delivery") if connection.features.has_select_for_update_of else ()
    return Attempt.objects.select_for_update(of=tables).select_related("delivery").filter(pk=pk)


_lock: Final = Row(_locked, Attempt._meta.pk).get


def _store_alone(report: Report) -> bool:
    """Store a report that changes no state; return whether it was stored. One statement, as most are such.

    One that was stored before, or of which anything is wrong, is not stored. The state is read without
    a lock: where it changes meanwhile, this report came before the change.
    """
    attempts, deliveries = (connection.ops.quote_name(one._meta.db_table) for one in (Attempt, Delivery))
    source = [f"{attempts} a JOIN {deliveries} d ON d.id = a.delivery_id WHERE a.id = %s AND d.kind = %s"]
    values = [Attempt._meta.pk.get_db_prep_value(report.attempt_id, connection), report.kind]
    if report.provider_id is not None:
        source.append("AND a.provider_id = %s")
        values.append(report.provider_id)
    if report.means is not None:
        states = before(report.means)
        of_this_try = "AND d.attempts = a.number" if _is_of_one_try(report.means) else ""
        source.append(f"AND NOT (d.state IN ({', '.join(['%s'] * len(states))}) {of_this_try})")
        values += states
    if connection.vendor == "postgresql":
        source.append("FOR KEY SHARE OF a")  # as the foreign key has it, but before the fingerprint is stored
    return bulk.insert_one(Receipt, _columns(report, is_applied=False), " ".join(source), values)


def _columns(report: Report, *, is_applied: bool) -> dict[str, Any]:
    instant = now()
    return {
        "attempt": report.attempt_id,
        "status": report.status[:_STATUS],
        "sequence": report.sequence,
        "fingerprint": report.fingerprint[:64],
        "payload": dict(report.payload),
        "raw_at": instant,
        "is_applied": is_applied,
        "received_at": instant,
    }


def _is_of_one_try(means: State) -> bool:
    """Say whether a report of this meaning about an earlier try says nothing against a later one.

    A person whom an earlier try reached counts whenever the report comes.
    """
    return means in MISSED or means == State.SENT


def _moves(attempt: Attempt, means: State) -> bool:
    """Say whether a report about an attempt moves its delivery; both are locked."""
    is_current = not _is_of_one_try(means) or attempt.delivery.attempts == attempt.number
    return is_current and may_follow(State(attempt.delivery.state), means)


def _move(attempt: Attempt, report: Report, means: State) -> None:
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
    Delivery.objects.filter(pk=attempt.delivery_id).move_to(means, **changes)
    if means != State.SENT:
        Tally.objects.note(report.kind, {_TOPICS[means]: 1})
    if means in MISSED:
        cause = Cause.NO_ANSWER if report.may_redial else Cause.FAILED
        bring_forward([Miss(attempt.delivery_id, cause)])
    elif means != State.SENT:
        marks.look_again(attempt.delivery_id, attempt.starts_at)
