"""Waking: what is due now or within the next second.

Whoever wakes (the beat, cron, ``eventinvoke --forever``) asks here. Waking is idempotent: several
at once are harmless, since claiming is what decides who sends.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.dateparse import parse_datetime

from common.channels import registry
from common.clock import now
from common.states import State
from eventinvoke.claim import SEVERITIES
from eventinvoke.models import Delivery

AHEAD: Final = timedelta(seconds=1)
"""How far a wake-up looks ahead: to the next one."""


@dataclass(frozen=True, slots=True)
class Due:
    """Deliveries of one kind that wait to be sent."""

    kind: str
    at: datetime
    """When the first of them is due."""
    batches: int
    """How many tasks are worth starting for them."""


def next_due() -> dict[str, datetime]:
    """Return when the first pending delivery of each kind is due, however far ahead.

    One query: each kind and severity is one look at the end of an index range.
    """
    table = connection.ops.quote_name(Delivery._meta.db_table)
    part = f"SELECT %s, MIN(next_attempt_at) FROM {table} WHERE state = %s AND kind = %s AND severity = %s"
    pairs = [(kind, severity) for kind in registry() for severity in SEVERITIES]
    if not pairs:
        return {}
    values = [value for kind, severity in pairs for value in (kind, State.PENDING, kind, severity)]
    first: dict[str, datetime] = {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(pairs)), values)
        for kind, raw in cursor.fetchall():
            at = _instant(raw)
            if at is not None:
                first[kind] = min(at, first.get(kind, at))
    return first


def _instant(raw: Any) -> datetime | None:
    """Return what a database gives for an instant (SQLite a text, MariaDB one without a zone)."""
    at = parse_datetime(raw) if isinstance(raw, str) else raw
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def due_soon() -> list[Due]:
    """Return the kinds that have something due before the next wake-up, the earliest first."""
    instant = now()
    soon = [(at, kind) for kind, at in next_due().items() if at <= instant + AHEAD]
    return [Due(kind, at, _batches(kind, instant + AHEAD)) for at, kind in sorted(soon)]


def _batches(kind: str, instant: datetime) -> int:
    """Return how many batches are due by then, at least 1 and at most ``NOTICE_PARALLEL``."""
    size: int = settings.NOTICE_BATCH_SIZE
    due = Delivery.objects.pending().filter(kind=kind, severity__in=SEVERITIES, next_attempt_at__lte=instant)
    return max(1, ceil(due.order_by()[: settings.NOTICE_PARALLEL * size].count() / size))
