"""Reconcile: compare the deliveries that some plans want with those that exist, and write the difference.

The plans are a part of all plans of the events (a ``Scope``); what others want stays as it is. Where two plans want
the same delivery, one row serves both: the first plan is named by it, further ones are shares.
Only rows that are still PENDING when the statement runs are changed: a worker may have claimed one
since it was read, and then it stays as it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from common.db import bulk
from common.states import State
from eventinvoke.models import Delivery, Share
from eventinvoke.planning.delivery_row import Row, Scope
from eventinvoke.planning.desired import LATE, Key, Tellings, Wish, is_needless
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.wants import Want, promote_shares, shares_of

_MOVED: Final = (
    "due_at", "next_attempt_at", "deadline_at", "severity", "condition", "target_id", "member_id", "kind",
    "starts_at", "recipient", "shown",
)  # fmt: skip
_REFRESHED: Final = ("deadline_at", "severity", "condition", "step_id")
_MADE: Final = ("event_id", *_MOVED, "registration_id", "step_id")
_AT_ONCE: Final = 5_000
_UNWANTED: Final = "No longer wanted: the event or the registration changed."


def make(wishes: Iterable[Wish]) -> bool:
    """Write what is wished for events of which no delivery exists; return whether none existed.

    Where one did, only those that are missing are written, and reconciling has to follow.
    """
    shared: dict[Key, list[Wish]] = defaultdict(list)
    for wish in wishes:
        if wish.is_timely:
            shared[wish.key].append(wish)
    if _create([some[0] for some in shared.values()]) < len(shared):
        return False
    _share([wish for some in shared.values() for wish in some[1:]])
    return True


@dataclass(slots=True)
class _Plan:
    """What has to be written."""

    gone: list[int] = field(default_factory=list)
    """Pending rows whose first plan no longer wants them."""
    moved: dict[int, Wish] = field(default_factory=dict)
    refreshed: dict[int, Wish] = field(default_factory=dict)
    created: list[Wish] = field(default_factory=list)
    placed: dict[Key, int | None] = field(default_factory=dict)
    """The row that serves a wish which no row served before; None for one that is created."""
    shared: list[tuple[int | None, Wish]] = field(default_factory=list)
    """Wishes that a row serves besides its first plan: the row's key, or None for one that is created."""
    unshared: list[Want] = field(default_factory=list)


def bring_in_line(
    events: Sequence[AnyEvent],
    wishes: Sequence[Wish],
    scope: Scope,
    rows: Sequence[Row],
    told_by_twins: Sequence[Row] = (),
) -> None:
    """Bring the pending deliveries of some events, whose rows are locked, in line with the wishes of the scope.

    ``told_by_twins`` are rows of ``told_by_twins()``: what the same meeting in another calendar has told.
    """
    starts = {event.pk: event.starts_at for event in events}
    shares = shares_of([row.pk for row in rows]) if rows else []
    told = _tellings(starts, [*rows, *told_by_twins], shares)
    plan = _compare(starts, wishes, scope, rows, shares, told)
    _leave(plan, shares)
    bulk.update(
        Delivery, _MOVED, [(pk, *_moved_of(wish)) for pk, wish in plan.moved.items()], state=State.PENDING
    )
    refreshed = [(pk, *_refreshed_of(wish)) for pk, wish in plan.refreshed.items()]
    bulk.update(Delivery, _REFRESHED, refreshed, state=State.PENDING)
    _create(plan.created)
    known = [(pk, wish) for pk, wish in plan.shared if pk is not None]
    _insert_shares(known)
    _share([wish for pk, wish in plan.shared if pk is None])


def _compare(
    starts: Mapping[int, datetime],
    wishes: Sequence[Wish],
    scope: Scope,
    rows: Sequence[Row],
    shares: Sequence[Want],
    told: Mapping[int, Tellings],
) -> _Plan:
    """Return what has to be written so that each wish is served by one row."""
    plan = _Plan()
    standing = {row.key: row for row in rows if row.starts_at == starts[row.event_id] and _stands(row)}
    shared_by = {(want.delivery_id, want.registration_id) for want in shares}
    is_shared = {want.delivery_id for want in shares}
    wanted: set[tuple[int, int]] = set()
    missing: list[Wish] = []
    for wish in wishes:
        row = standing.get(wish.key)
        if row is None:
            missing.append(wish)
            continue
        plan_pk = wish.registration.pk
        wanted.add((row.pk, plan_pk))
        if row.registration_id == plan_pk:
            if row.is_pending_plan and row.refreshed != _refreshed_of(wish):
                plan.refreshed[row.pk] = wish
        elif (row.pk, plan_pk) not in shared_by:
            plan.shared.append((row.pk, wish))
    free = {
        (row.event_id, row.step_id): row
        for row in rows
        if row.is_pending_plan
        and row.registration_id in scope
        and (row.pk, row.registration_id) not in wanted
        and row.pk not in is_shared
    }
    for wish in missing:
        _serve_missing(plan, wish, free, told)
    plan.gone = [
        row.pk
        for row in rows
        if row.is_pending_plan
        and row.registration_id in scope
        and (row.pk, row.registration_id) not in wanted
        and row.pk not in plan.moved
    ]
    pending = {row.pk for row in rows if row.state == State.PENDING}
    plan.unshared = [
        want
        for want in shares
        if want.registration_id in scope
        and want.delivery_id in pending
        and (want.delivery_id, want.registration_id) not in wanted
    ]
    return plan


def _serve_missing(
    plan: _Plan,
    wish: Wish,
    free: dict[tuple[int, int | None], Row],
    told: Mapping[int, Tellings],
) -> None:
    """Move the row of the same step, share one that another wish creates, or create one."""
    known = told.get(wish.event.pk)
    if known is not None and is_needless(wish, known):
        return
    if not wish.is_timely:
        return
    if wish.key in plan.placed:
        plan.shared.append((plan.placed[wish.key], wish))
        return
    row = free.pop((wish.event.pk, wish.step.pk), None)
    plan.placed[wish.key] = None if row is None else row.pk
    if row is not None:
        plan.moved[row.pk] = wish
    else:
        plan.created.append(wish)


def _stands(row: Row) -> bool:
    """Say whether a row holds the place of a wish: a wrong expiry is planned again by the sweep."""
    return row.origin == Delivery.Origin.PLAN


def _tellings(
    starts: Mapping[int, datetime], rows: Iterable[Row], shares: Iterable[Want]
) -> dict[int, Tellings]:
    """Return which targets were told of the present start, and which steps were carried out, by event.

    A step that was carried out for a start less than ``LATE`` away counts too: such a move is told by a change notice alone.
    """
    targets: dict[int, set[int | None]] = defaultdict(set)
    steps: dict[int, set[int | None]] = defaultdict(set)
    members: dict[int, set[int | None]] = defaultdict(set)
    carried_out: dict[int, int] = {}
    for row in rows:
        present = starts[row.event_id]
        is_change = row.origin == Delivery.Origin.CHANGE and row.state != State.CANCELED
        if is_change and row.starts_at == present:
            members[row.event_id].add(row.member_id)
        if row.is_carried_out and abs(row.starts_at - present) < LATE:
            carried_out[row.pk] = row.event_id
            steps[row.event_id].add(row.step_id)
            if row.starts_at == present:
                targets[row.event_id].add(row.target_id)
    for want in shares:
        if want.delivery_id in carried_out:
            steps[carried_out[want.delivery_id]].add(want.step_id)
    return {
        pk: Tellings(frozenset(targets[pk]), frozenset(steps[pk] - {None}), frozenset(members[pk]))
        for pk in steps.keys() | members.keys()
    }


def _leave(plan: _Plan, shares: Sequence[Want]) -> None:
    """Take plans off the rows that they no longer want; cancel the rows that no plan wants."""
    for want in plan.unshared:
        Share.objects.filter(delivery=want.delivery_id, registration=want.registration_id).delete()
    shared = {want.delivery_id for want in shares}
    promoted = promote_shares([pk for pk in plan.gone if pk in shared])
    cancel([pk for pk in plan.gone if pk not in promoted], _UNWANTED)


def cancel(pks: Sequence[int], reason: str) -> None:
    """Cancel those of some deliveries that are still pending, in statements of bounded size."""
    for start in range(0, len(pks), _AT_ONCE):
        Delivery.objects.filter(pk__any_of=pks[start : start + _AT_ONCE]).cancel(reason)


def _create(wishes: Sequence[Wish]) -> int:
    """Insert what does not exist yet; return how many that was."""
    made = 0
    for start in range(0, len(wishes), _AT_ONCE):
        rows = [
            (wish.event.pk, *_moved_of(wish), wish.registration.pk, wish.step.pk)
            for wish in wishes[start : start + _AT_ONCE]
        ]
        made += len(bulk.insert_missing(Delivery, _MADE, rows, returning=("id",)))
    return made


def _share(wishes: Sequence[Wish]) -> None:
    """Add plans to rows that were created just now, found by what makes them the same delivery."""
    if not wishes:
        return
    rows = Delivery.objects.filter(
        event__in={wish.event.pk for wish in wishes},
        target__in={wish.step.target_id for wish in wishes},
        slot=0,
    )
    found = {
        (*key, starts_at): pk
        for pk, starts_at, *key in rows.values_list("pk", "starts_at", "event_id", "target_id", "due_at")
    }
    _insert_shares(
        [
            (found[*wish.key, wish.event.starts_at], wish)
            for wish in wishes
            if (*wish.key, wish.event.starts_at) in found
        ]
    )


def _insert_shares(pairs: Sequence[tuple[int, Wish]]) -> None:
    rows = [(pk, wish.registration.pk, wish.step.pk, wish.step.condition) for pk, wish in pairs]
    bulk.insert_missing(Share, ("delivery_id", "registration_id", "step_id", "condition"), rows)


def _moved_of(wish: Wish) -> tuple[Any, ...]:
    """Return the values of ``_MOVED``."""
    event, step, target = wish.event, wish.step, wish.step.target
    return (
        wish.due_at, wish.due_at, wish.deadline_at, event.severity, step.condition, target.pk, target.member_id,
        target.kind, event.starts_at, target.member.name, target.masked,
    )  # fmt: skip


def _refreshed_of(wish: Wish) -> tuple[Any, ...]:
    """Return the values of ``_REFRESHED``."""
    return wish.deadline_at, wish.event.severity, wish.step.condition, wish.step.pk
