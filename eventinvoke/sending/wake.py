"""Waking: what is due now or within the next second.

Each round (``rounds``) asks here. Waking is idempotent: several rounds at once are harmless, since
claiming decides which worker sends what.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils.dateparse import parse_datetime

from common.channels import registry
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.sending.due import LEAST, SEVERITIES, overdue

AHEAD: Final = timedelta(seconds=1)
"""How far a wake-up looks ahead: to the next one."""


TOGETHER: Final = timedelta(milliseconds=50)
"""Deliveries that are due within so short a time are sent by the same task."""
_TIMES: Final = 200
"""How many different due times of one kind are looked at; what is left over is the next wake-up's."""


@dataclass(frozen=True, slots=True)
class Due:
    """Deliveries of one kind that wait to be sent at about the same time."""

    kind: str
    at: datetime
    """When the last of them is due; now or before, when all are."""
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
    """Return what a database gives for an instant (SQLite a text, MariaDB and MySQL one without a zone)."""
    at = parse_datetime(raw) if isinstance(raw, str) else raw
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def due_soon() -> list[Due]:
    """Return what is due before the next wake-up, the earliest first."""
    instant = now()
    kinds = [kind for kind, at in next_due().items() if at <= instant + AHEAD]
    return sorted((due for kind in kinds for due in _of_kind(kind, instant)), key=lambda due: due.at)


def _of_kind(kind: str, instant: datetime) -> Iterator[Due]:
    """Yield what is due of one kind: all that is overdue together, then what follows in its order."""
    pending = Delivery.objects.pending().filter(kind=kind, severity__in=SEVERITIES)
    most: int = settings.NOTICE_PARALLEL * settings.NOTICE_BATCH_SIZE
    late = overdue(kind, most, instant)
    if late:
        yield Due(kind, instant, _batches(late))
    ahead = pending.filter(next_attempt_at__gt=instant, next_attempt_at__lte=instant + AHEAD)
    times = ahead.order_by("next_attempt_at").values_list("next_attempt_at").annotate(count=Count("pk"))
    first = last = None
    count = 0
    for at, some in times[:_TIMES]:
        if first is not None and last is not None and at - first > TOGETHER:
            yield Due(kind, last, _batches(count))
            first, count = at, 0
        first, last, count = first or at, at, count + some
    if last is not None:
        yield Due(kind, last, _batches(count))


def _batches(count: int) -> int:
    """Return how many workers so many deliveries are worth, at most ``NOTICE_PARALLEL``."""
    most: int = settings.NOTICE_PARALLEL
    size: int = min(LEAST, settings.NOTICE_BATCH_SIZE)
    return min(most, ceil(count / size))
