"""Deliveries as rows: what planning needs to know of those that exist, read for a part of all plans.

An event may have the deliveries of 20,000 plans; what one plan needs of them is read by its own indexes.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db import models
from django.db.models import Q

from common.states import CARRIED_OUT, State
from eventinvoke.models import Delivery, Share
from eventinvoke.planning.desired import Wish
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.querysets import TOLD_BY_TWIN
from registration.models import Target


@dataclass(frozen=True, slots=True)
class Scope:
    """Which plans are reconciled: all, some by key, or those whose keys lie in a range."""

    plans: frozenset[int] | None = None
    after: int = 0
    until: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether no plan of the events is left out."""
        return self.plans is None and self.after == 0 and self.until is None

    def __contains__(self, plan: object) -> bool:
        """Say whether a plan is reconciled."""
        if not isinstance(plan, int):
            return self.is_all
        if self.plans is not None:
            return plan in self.plans
        return self.after < plan and (self.until is None or plan <= self.until)

    def holds(self, column: str) -> Q:
        """Return the condition that a column names a plan that is reconciled."""
        if self.plans is not None:
            return Q((f"{column}__in", self.plans))
        condition = Q((f"{column}__gt", self.after))
        return condition if self.until is None else condition & Q((f"{column}__lte", self.until))


ALL: Final = Scope()
"""Every plan."""


class Row(NamedTuple):
    """A delivery that exists; its fields are columns."""

    pk: int
    event_id: int
    target_id: int | None
    member_id: int | None
    starts_at: datetime
    due_at: datetime
    state: str
    origin: str
    kind: str
    attempts: int
    sent_at: datetime | None
    registration_id: int | None
    reason: str
    deadline_at: datetime
    severity: int
    condition: str
    step_id: int | None

    @property
    def key(self) -> tuple[int, int | None, datetime]:
        """What makes it the same delivery, for one start."""
        return self.event_id, self.target_id, self.due_at

    @property
    def refreshed(self) -> tuple[datetime, int, str, int | None]:
        """What a plan may change without planning another delivery."""
        return self.deadline_at, self.severity, self.condition, self.step_id

    @property
    def is_carried_out(self) -> bool:
        """Whether it told, is telling, or was not answered; or a twin told it in its place."""
        return self.state in CARRIED_OUT or (self.state == State.SUPPRESSED and self.reason == TOLD_BY_TWIN)

    @property
    def is_pending_plan(self) -> bool:
        """Whether a plan wants it and it is not carried out yet."""
        return self.state == State.PENDING and self.origin == Delivery.Origin.PLAN


def rows_of(events: Sequence[AnyEvent], scope: Scope, wishes: Sequence[Wish]) -> list[Row]:
    """Return the deliveries of some events that plans in the scope want, or that may serve a wish.

    Canceled ones have freed their place, unless a person canceled them for good.
    """
    pks = [event.pk for event in events]
    rows = Delivery.objects.filter(slot=0)
    of_events = rows.filter(event__pk__any_of=pks)
    if scope.is_all:
        return _read(of_events)
    targets = {wish.step.target_id for wish in wishes}
    shares = Share.objects.filter(scope.holds("registration"), delivery__event__in=pks)
    shared = list(shares.values_list("delivery_id", flat=True))
    if scope.plans is None:
        return _read(of_events.filter(scope.holds("registration") | Q(target__in=targets) | Q(pk__in=shared)))
    # Each by its own index: an event may have the deliveries of 20,000 other plans. What a plan has carried out is found by
    # its members' targets; if a step is overdue, all of its event is read.
    overdue = {wish.event.pk for wish in wishes if wish.is_overdue}
    parts = (
        rows.filter(scope.holds("registration"), state=State.PENDING, event__pk__any_of=pks),
        of_events.filter(target__pk__any_of=list(targets | _targets_beside(wishes))),
        rows.filter(event__pk__any_of=list(overdue)),
        rows.filter(pk__any_of=shared),
    )
    found = {row.pk: row for part in parts for row in _read(part)}
    return [found[pk] for pk in sorted(found)]


def _targets_beside(wishes: Sequence[Wish]) -> set[int]:
    """Return all targets of the members whom some wishes tell or belong to."""
    members = {wish.step.target.member_id for wish in wishes}
    members |= {wish.registration.member_id for wish in wishes}
    return set(Target.objects.filter(member__in=members).values_list("pk", flat=True))


def rows_of_members(pairs: Collection[tuple[int, int | None]]) -> list[Row]:
    """Return the deliveries of some events to some members, by pairs of both."""
    rows = Delivery.objects.filter(
        event__in={event for event, _member in pairs}, member__in={member for _event, member in pairs}, slot=0
    )
    return [row for row in _read(rows) if (row.event_id, row.member_id) in pairs]


def told_by_twins(twins: Mapping[int, Collection[int]]) -> list[Row]:
    """Return what twins of some events have told, each row as if it were the event's own. One query."""
    rows = Delivery.objects.filter(event__in=set().union(*twins.values()), state__in=CARRIED_OUT, slot=0)
    by_twin: dict[int, list[Row]] = defaultdict(list)
    for row in _read(rows):
        by_twin[row.event_id].append(row)
    return [row._replace(event_id=pk) for pk, some in twins.items() for twin in some for row in by_twin[twin]]


def _read(rows: "models.QuerySet[Delivery]") -> list[Row]:
    return list(map(Row._make, rows.order_by("pk").values_list(*Row._fields)))
