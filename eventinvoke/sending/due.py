"""Which due deliveries come next: the most urgent first, and no member before all others.

A member chooses how severe a registration is, and one form can make thousands of deliveries. Where more is due than is
claimed at once, members with more than a tenth of it wait until the others have been told.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection

from common.channels import Severity
from eventinvoke.models import Delivery
from eventinvoke.sending.compose import Row

SEVERITIES: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
LEAST: Final = 200
"""Deliveries that are worth a batch of their own, and a worker."""
_WINDOW: Final = 100
"""So many due deliveries show who has more than a tenth, where fewer are claimed."""
_FEW: Final = 10
"""So many due at once make no member wait."""


def overdue(kind: str, most: int, instant: datetime) -> int:
    """Count what is due of a kind, up to ``most``."""
    due = Delivery.objects.pending().filter(kind=kind, severity__in=SEVERITIES, next_attempt_at__lte=instant)
    return int(due.order_by()[:most].count())


def part(kind: str, most: int, instant: datetime) -> int:
    """Return how many to claim: ever fewer towards the end, so that all workers are done at about the same time.

    Half of a worker's share of what is left (guided self-scheduling, https://doi.org/10.1109/TC.1987.5009495).
    """
    shares: int = 2 * settings.NOTICE_PARALLEL
    return min(most, max(LEAST, overdue(kind, shares * most, instant) // shares))


def due_rows(kind: str, limit: int, instant: datetime, *, is_locked: bool = False) -> list[Row]:
    """Return what is to be claimed next of a kind; locked rows are those that no other worker has."""
    rows = _first(kind, limit, instant, is_locked=is_locked)
    if len(rows) < limit:
        return rows
    greedy = _greedy(kind, rows, instant)
    if not greedy:
        return rows
    others = _first(kind, limit, instant, is_locked=is_locked, without=greedy)
    return (others + [row for row in rows if row.member_id in greedy])[:limit]


def _greedy(kind: str, rows: list[Row], instant: datetime) -> list[int]:
    """Return the members with more than a tenth of what is due first."""
    members = [row.member_id for row in rows]
    if len(members) < _WINDOW:
        members = [row.member_id for row in _first(kind, _WINDOW, instant)]
    most = max(_FEW, len(members) // 10)
    return [pk for pk, count in Counter(members).items() if pk is not None and count > most]


def _first(
    kind: str, limit: int, instant: datetime, *, is_locked: bool = False, without: Collection[int] = ()
) -> list[Row]:
    """Return due rows, the most urgent first; each severity is one index range."""
    rows: list[Row] = []
    for severity in SEVERITIES:
        due = Delivery.objects.due(kind, severity, instant)
        if without:
            due = due.exclude(member__in=without)
        if is_locked and connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows += map(Row._make, due.values_list(*Row._fields)[: limit - len(rows)])
        if len(rows) == limit:
            break
    return rows
