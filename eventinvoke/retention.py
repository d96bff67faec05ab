"""Retention: how long the record of events and notices is kept, and what is never deleted.

The record outlives what it is about (members, targets, plans) and ends here. A delivery goes with its attempts,
receipts, answers and shares; an event goes when nothing refers to it any more. Never deleted: what is pending, what is
being sent, what a provider should still report about, what waits for a digest, and events that are not over.
"""

from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from common import clock
from common.clock import now
from common.db.pruning import Pruner
from common.states import State
from eventinvoke.models import (
    Answer,
    Attempt,
    DailyCount,
    Delivery,
    Event,
    EventChange,
    Held,
    Period,
    Receipt,
    Share,
)
from registration import retention as of_registration

PAYLOADS: Final = "payloads of receipts"


def prune(*, seconds: float = inf, is_dry_run: bool = False) -> Pruner:
    """Delete what is older than its retention, for so many seconds; return how much that was, by table."""
    clock.synchronise()
    at = now()
    pruner = Pruner(seconds=seconds, is_dry_run=is_dry_run)
    of_registration.prune(pruner, at)
    before = partial(_before, at)
    pruner.empty(
        Receipt.objects.all(), "raw_at", before(settings.NOTICE_KEEP_PAYLOADS_DAYS), PAYLOADS,
        payload={}, raw_at=None,
    )  # fmt: skip
    deliveries = settled_deliveries(before(settings.NOTICE_KEEP_DELIVERIES_DAYS))
    changes = EventChange.objects.filter(at__lt=before(settings.NOTICE_KEEP_CHANGES_DAYS))
    periods = past_periods(before(settings.NOTICE_KEEP_PERIODS_DAYS))
    pruner.delete(
        deliveries, "due_at", before(settings.NOTICE_KEEP_DELIVERIES_DAYS),
        each="member_id", children=_children,
    )  # fmt: skip
    pruner.delete(changes, "at", before(settings.NOTICE_KEEP_CHANGES_DAYS))
    pruner.delete(periods, "ends_at", before(settings.NOTICE_KEEP_PERIODS_DAYS), each="member_id")
    until = before(settings.NOTICE_KEEP_EVENTS_DAYS)
    leaving = (deliveries, changes, periods, Answer.objects.filter(delivery__in=deliveries.values("pk")))
    pruner.delete(past_events(until, leaving if is_dry_run else ()), "deadline_at", until)
    day = before(settings.NOTICE_KEEP_COUNTS_DAYS).date()
    pruner.delete(DailyCount.objects.all(), "day", day, each="member_id")
    return pruner


def _before(at: datetime, days: int) -> datetime:
    return at - timedelta(days=days)


def settled_deliveries(before: datetime) -> "QuerySet[Delivery]":
    """Return the deliveries whose time and deadline were before an instant, and that nothing can change any more."""
    is_open = Q(state__in=[State.PENDING, State.SENDING]) | Q(state=State.SENT, lease_until__isnull=False)
    held = Held.objects.filter(delivery=OuterRef("pk"))
    return Delivery.objects.filter(~is_open, ~Exists(held), due_at__lt=before, deadline_at__lt=before)


def _children(deliveries: Any) -> "list[QuerySet[Any]]":
    """Return what goes with some deliveries; the receipts before the attempts that they refer to."""
    return [
        Receipt.objects.filter(attempt__delivery__in=deliveries),
        Attempt.objects.filter(delivery__in=deliveries),
        Answer.objects.filter(delivery__in=deliveries),
        Share.objects.filter(delivery__in=deliveries),
    ]


def past_periods(before: datetime) -> "QuerySet[Period]":
    """Return the periods that ended before an instant and whose digest has been made."""
    return Period.objects.filter(~Exists(Held.objects.filter(period=OuterRef("pk"))), ends_at__lt=before)


def past_events(before: datetime, leaving: "tuple[QuerySet[Any], ...]" = ()) -> "QuerySet[Event]":
    """Return the events that were over before an instant and that only ``leaving`` rows refer to.

    A mark refers to its event too: what is not planned yet stays.
    """
    is_over = Q(ends_at__isnull=True) | Q(ends_at__lt=before)
    events = Event.objects.filter(is_over, deadline_at__lt=before, starts_at__lt=before)
    leaving_by_model: dict[type[Model], QuerySet[Any]] = {rows.model: rows for rows in leaving}
    for relation in Event._meta.related_objects:
        model = relation.related_model
        rest = model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
        if model in leaving_by_model:
            rest = rest.exclude(pk__in=leaving_by_model[model].values("pk"))
        events = events.filter(~Exists(rest))
    return events
