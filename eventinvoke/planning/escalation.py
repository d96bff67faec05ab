"""Escalation: which step comes next in a plan when one was missed. One pure function, asked from everywhere.

A miss is anything that kept a step from reaching its person: a failure, a busy line, quiet hours, the daily limit, a mute, an
absence, a deleted target, our own misconfiguration. Every plan that contains the step goes on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from common.clock import now
from common.db import bulk
from common.db.prepared import Given, Row
from common.states import State
from eventinvoke.models import Delivery, Share
from eventinvoke.planning.obsolete import ORIGINS, unwanted
from eventinvoke.planning.wants import Want, wants_of
from registration.models import Step

REDIAL_AFTER: Final = timedelta(minutes=2)


class Cause(StrEnum):
    """Why a step was missed, as far as it decides what comes next."""

    FAILED = "failed"
    """It did not reach its target: the next step to another target comes now."""
    NO_ANSWER = "no answer"
    """A busy line or a call that was not answered: as FAILED; dialed again where the plan has nothing else."""
    HELD = "held"
    """The member's own wish held it back: a later step to the same member is waited for, if it comes first."""
    AWAY = "away"
    """The member can't be asked: the next step to another member comes now."""


class Miss(NamedTuple):
    """A delivery that did not reach its target, and will not by this try."""

    delivery_id: int
    cause: Cause = Cause.FAILED
    plans: frozenset[int] | None = None
    """The plans that go on; None for every plan that contains the step."""


class Waiting(NamedTuple):
    """A step of a plan that is still to be carried out."""

    delivery_id: int
    target_id: int | None
    member_id: int | None
    starts_at: datetime


def next_step(
    waiting: Sequence[Waiting], target_id: int | None, member_id: int | None, cause: Cause
) -> Waiting | None:
    """Return the step that comes now, None if none does.

    ``waiting`` are the plan's pending, untried steps that wait for an acknowledgement, in their order;
    ``target_id`` and ``member_id`` are those of the missed step. Dialing a busy line again at once
    would help no one, so it goes to another target.
    """
    if cause == Cause.HELD:
        first = next(iter(waiting), None)
        return None if first is None or first.member_id == member_id else first
    if cause == Cause.AWAY:
        return next((step for step in waiting if step.member_id != member_id), None)
    return next((step for step in waiting if step.target_id != target_id), None)


class _Missed(NamedTuple):
    """A miss with what is known of its delivery."""

    miss: Miss
    event_id: int
    target_id: int | None
    member_id: int | None
    starts_at: datetime
    plans: frozenset[int]


def bring_forward(misses: Iterable[Miss]) -> int:
    """Carry out at once the next step of each plan that missed a person; return how many.

    The step keeps its ``due_at``. A step that no plan wants any more is passed over. Where a call was not answered and a plan has
    nothing else, the call is planned again. The statements do not grow with the number of misses.
    """
    by_delivery = {miss.delivery_id: miss for miss in misses}
    if len(by_delivery) == 1 and _is_last(*by_delivery.values()):
        return 0
    missed = _read(by_delivery)
    if not missed:
        return 0
    plans = {(one.event_id, plan) for one in missed for plan in one.plans}
    waiting = waiting_steps(plans)
    obsolete = unwanted({step.delivery_id for steps in waiting.values() for step in steps})
    first: set[int] = set()
    last: list[_Missed] = []
    for one in missed:
        has_next = False
        for plan in one.plans:
            # A miss of an old start says nothing of the steps to the new one.
            steps = [
                step
                for step in waiting.get((one.event_id, plan), ())
                if step.delivery_id not in obsolete and step.starts_at == one.starts_at
            ]
            has_next = has_next or bool(steps)
            step = next_step(steps, one.target_id, one.member_id, one.miss.cause)
            if step is not None:
                first.add(step.delivery_id)
        if one.miss.cause == Cause.NO_ANSWER and not has_next:
            last.append(one)
    _redial(last)
    instant = now()
    pending = Delivery.objects.pending().filter(pk__in=first, next_attempt_at__gt=instant)
    return pending.update(next_attempt_at=instant)


def _with_what_follows(pk: Given) -> "QuerySet[Delivery]":
    untried = Delivery.objects.pending().filter(origin=Delivery.Origin.PLAN, attempts=0)
    same = {"event": OuterRef("event"), "registration": OuterRef("registration")}
    shares = Share.objects.filter(
        registration=OuterRef("registration"),
        delivery__event=OuterRef("event"),
        delivery__state=State.PENDING,
    )
    further = Share.objects.filter(delivery=OuterRef("pk"))
    again = Step.objects.filter(pk=OuterRef("step"), redials__gt=0)
    rows = Delivery.objects.filter(pk=pk).only("pk")
    return rows.annotate(
        has_next=Exists(untried.filter(**same)) | Exists(shares) | Exists(further), has_redials=Exists(again)
    )


_look: Final = Row(_with_what_follows, Delivery._meta.pk).get


def _is_last(miss: Miss) -> bool:
    """Say whether nothing can follow a missed step: a small query, while ``bring_forward`` takes half a dozen."""
    row = _look(miss.delivery_id)
    if row is None:
        return True
    found = vars(row)
    return not found["has_next"] and not (miss.cause == Cause.NO_ANSWER and found["has_redials"])


def _read(misses: Mapping[int, Miss]) -> list[_Missed]:
    """Look up the deliveries that were missed and the plans that contain them; a change notice is a step of none."""
    if not misses:
        return []
    wants = wants_of(misses.keys())
    rows = Delivery.objects.filter(pk__any_of=list(misses)).exclude(origin__in=ORIGINS)
    found = []
    columns = ("pk", "event_id", "target_id", "member_id", "starts_at")
    for pk, event_id, target_id, member_id, starts_at in rows.values_list(*columns):
        plans = frozenset(want.registration_id for want in wants.get(pk, ()))
        miss = misses[pk]
        if miss.plans is not None:
            plans &= miss.plans
        if plans:
            found.append(_Missed(miss, event_id, target_id, member_id, starts_at, plans))
    return found


def waiting_steps(plans: Collection[tuple[int, int]]) -> dict[tuple[int, int], list[Waiting]]:
    """Return the steps that may come now, by event and plan, in their order. Two queries."""
    events, registrations = {event for event, _plan in plans}, {plan for _event, plan in plans}
    instant = now()
    pending = Delivery.objects.pending().filter(
        event__in=events, origin=Delivery.Origin.PLAN, attempts=0, next_attempt_at__gt=instant
    )
    rows = {
        row[0]: row[1:]
        for row in pending.filter(registration__in=registrations).values_list(
            "pk", "due_at", "event_id", "target_id", "member_id", "starts_at"
        )
    }
    shares = Share.objects.filter(
        registration__in=registrations,
        delivery__event__in=events,
        delivery__state=State.PENDING,
        delivery__origin=Delivery.Origin.PLAN,
        delivery__attempts=0,
        delivery__next_attempt_at__gt=instant,
    )
    named = (
        "delivery_id",
        "delivery__due_at",
        "delivery__event_id",
        "delivery__target_id",
        "delivery__member_id",
        "delivery__starts_at",
    )
    rows |= {row[0]: row[1:] for row in shares.values_list(*named)}
    found: dict[tuple[int, int], list[Waiting]] = defaultdict(list)
    wants = wants_of(rows)
    for pk, (_due, event, target, member, starts_at) in sorted(
        rows.items(), key=lambda item: (item[1][0], item[0])
    ):
        for want in wants.get(pk, ()):
            if (event, want.registration_id) in plans and want.condition == Step.Condition.UNCONFIRMED:
                found[event, want.registration_id].append(Waiting(pk, target, member, starts_at))
    return found


def _redial(missed: Sequence[_Missed]) -> None:
    """Plan a call that was not answered again, as often as its step says."""
    if not missed:
        return
    rows = Delivery.objects.filter(pk__in=[one.miss.delivery_id for one in missed])
    left_out = unwanted([one.miss.delivery_id for one in missed])
    wants = wants_of([one.miss.delivery_id for one in missed])
    at = now() + REDIAL_AFTER
    again = {
        row.pk: row.follow_up(Delivery.Origin.REDIAL, at)
        for row in rows
        if row.pk not in left_out and row.deadline_at > at and _redials_left(row, wants[row.pk])
    }
    Delivery.objects.bulk_create(again.values(), ignore_conflicts=True)
    _share([(one, want) for pk, one in again.items() for want in wants[pk][1:]], at)


def _share(pairs: Sequence[tuple[Delivery, Want]], at: datetime) -> None:
    """Have the further plans of a call that was not answered want the one that follows it at ``at``."""
    if not pairs:
        return
    redials = Delivery.objects.filter(origin=Delivery.Origin.REDIAL, due_at=at)
    stored = redials.filter(event__in={one.event_id for one, _want in pairs})
    pks = {(one.event_id, one.target_id, one.starts_at): one.pk for one in stored}
    rows = [
        (pk, want.registration_id, want.step_id, one.condition)
        for one, want in pairs
        if (pk := pks.get((one.event_id, one.target_id, one.starts_at))) is not None
    ]
    bulk.insert_missing(Share, ("delivery_id", "registration_id", "step_id", "condition"), rows)


def _redials_left(row: Delivery, wants: Sequence[Want]) -> bool:
    steps = Step.objects.filter(pk__in=[want.step_id for want in wants if want.step_id is not None])
    most = max(steps.values_list("redials", flat=True), default=0)
    made = Delivery.objects.filter(
        event=row.event_id, target=row.target_id, starts_at=row.starts_at, origin=Delivery.Origin.REDIAL
    )
    return made.count() < most
