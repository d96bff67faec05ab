"""Change notices: a member who was told of a start is told when that changes.

A member was told of 10:00 and the event is then canceled or moved: one more notice says so, by the target that told last.
A move by less than ``LATE`` is worth no more than the inbox. A notice that has not gone out yet follows
the next change, and is canceled when the event returns to what the member knows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from common.channels import registry
from common.states import ARRIVED, REACHED, State
from eventinvoke.models import Delivery
from eventinvoke.planning.delivery_row import Row
from eventinvoke.planning.desired import LATE
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.obsolete import ORIGINS
from registration.membership import add_inbox
from registration.models import Member, Step, Target

Origin = Delivery.Origin
_UNDER_WAY: Final = (State.SENDING, State.SENT)
_REPLACED: Final = "The event changed again before this notice went out."


class Change(NamedTuple):
    """One change that one member does not know yet."""

    event: AnyEvent
    last: Row
    """The delivery that told the member last."""
    loud: Row
    """The last one that disturbed the member; its target tells of the change."""
    origin: str
    starts_at: datetime
    """The start that the notice is about."""


def changes_of(events: Sequence[AnyEvent], rows: Sequence[Row], instant: datetime) -> list[Change]:
    """Return what members who were told of some events do not know yet."""
    by_pk = {event.pk: event for event in events}
    # A call that a provider has accepted has not told yet, and tells of the change all the same.
    under_way = {
        (row.event_id, row.member_id, row.origin, row.starts_at) for row in rows if row.state in _UNDER_WAY
    }
    found = []
    for (event_id, member), (last, loud) in _last_told(rows).items():
        change = _change(by_pk[event_id], last, loud)
        if change is None or (event_id, member, change.origin, change.starts_at) in under_way:
            continue
        if max(last.starts_at, change.starts_at) > instant - LATE:
            found.append(change)
    return found


def _change(event: AnyEvent, last: Row, loud: Row) -> Change | None:
    if event.canceled_at is not None:
        is_known = last.origin == Origin.CANCELED
        return None if is_known else Change(event, last, loud, Origin.CANCELED, last.starts_at)
    if last.origin == Origin.CANCELED or last.starts_at != event.starts_at:
        return Change(event, last, loud, Origin.CHANGE, event.starts_at)
    return None


def _last_told(rows: Sequence[Row]) -> dict[tuple[int, int], tuple[Row, Row]]:
    """Return for each event and member the delivery that told last, and the last one that disturbed.

    Where none disturbed, the second is the first.
    """
    channels = registry()
    silent = {kind for kind, channel in channels.items() if channel.capabilities.is_silent}
    # A call that a provider has accepted may still wait in its queue: it has told when a person answered.
    queued = {kind for kind, channel in channels.items() if channel.capabilities.can_cancel}
    last: dict[tuple[int, int], tuple[Row, Row]] = {}
    told = [
        row
        for row in rows
        if row.state in (REACHED if row.kind in queued else ARRIVED) and row.sent_at is not None
    ]
    for row in sorted(told, key=lambda row: (row.sent_at, row.kind not in silent, row.pk)):
        if row.member_id is not None:
            _row, loud = last.get((row.event_id, row.member_id), (row, row))
            is_loud = row.kind not in silent or loud.kind in silent
            last[row.event_id, row.member_id] = row, row if is_loud else loud
    return last


def write(
    changes: Sequence[Change],
    events: Sequence[AnyEvent],
    instant: datetime,
    waiting: Iterable[Row] | None = None,
) -> None:
    """Plan the notices of some changes of some events.

    ``waiting`` are all deliveries of the events, where the changes are all: notices that wait and say something
    else are canceled.
    """
    is_whole = waiting is not None
    wanted = {(change.event.pk, change.last.member_id): change for change in changes}
    if waiting is None:
        waiting = _waiting(events) if changes else ()
    for row in waiting:
        if row.state != State.PENDING or row.origin not in ORIGINS:
            continue
        change = wanted.get((row.event_id, row.member_id))
        if change is not None and (row.origin, row.starts_at) == (change.origin, change.starts_at):
            del wanted[row.event_id, row.member_id]
        elif change is not None or is_whole:
            Delivery.objects.filter(pk=row.pk).cancel(_REPLACED)
    members = Member.objects.in_bulk({pk for _event, pk in wanted if pk is not None})
    for change in wanted.values():
        member = members.get(change.last.member_id or 0)
        if member is not None:
            _plan(change, member, instant)


def _waiting(events: Sequence[AnyEvent]) -> list[Row]:
    pks = [event.pk for event in events]
    rows = Delivery.objects.pending().filter(event__pk__any_of=pks, origin__in=ORIGINS)
    return list(map(Row._make, rows.values_list(*Row._fields)))


def _plan(change: Change, member: Member, instant: datetime) -> None:
    target = _target_of(change, member)
    deadline = instant + LATE
    if change.origin == Origin.CHANGE:
        deadline = max(deadline, change.event.deadline_at)
    Delivery.objects.bulk_create(
        [
            Delivery(
                event_id=change.event.pk,
                member=member,
                target=target,
                registration_id=change.last.registration_id,
                origin=change.origin,
                recipient=member.name,
                shown=target.masked,
                condition=Step.Condition.ALWAYS,
                kind=target.kind,
                severity=change.event.severity,
                starts_at=change.starts_at,
                due_at=instant,
                next_attempt_at=instant,
                deadline_at=max(deadline, change.starts_at + LATE),
            )
        ],
        ignore_conflicts=True,
    )


def _target_of(change: Change, member: Member) -> Target:
    """Return the target that told last while it can be used; the inbox otherwise and for a small move."""
    is_small = (
        change.origin == Origin.CHANGE
        and change.last.origin != Origin.CANCELED
        and abs(change.starts_at - change.last.starts_at) < LATE
    )
    if not is_small:
        target = Target.objects.usable().filter(pk=change.loud.target_id or 0, member=member).first()
        if target is not None:
            return target
    return add_inbox(member)
