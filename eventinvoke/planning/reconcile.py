"""The difference between the deliveries that should be pending and those that are, and writing it.

Only rows that are still PENDING when the statement runs are changed: a worker may have claimed one
since it was read, and then it stays as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from common.db import bulk
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.planning.desired import Key, Wish
from eventinvoke.planning.event_row import AnyEvent

_MOVED: Final = (
    "due_at", "next_attempt_at", "deadline_at", "severity", "condition", "target_id", "member_id", "kind",
)  # fmt: skip
_REFRESHED: Final = ("deadline_at", "severity", "condition", "registration_id", "step_id")
_MADE: Final = ("event_id", *_MOVED, "registration_id", "step_id")
_AT_ONCE: Final = 5_000

Wished = Mapping[Key, Wish]


class _Row(NamedTuple):
    """A delivery that exists."""

    pk: int
    event_id: int
    target_id: int
    due_at: datetime
    state: str
    is_snooze: bool
    deadline_at: datetime
    severity: int
    condition: str
    registration_id: int | None
    step_id: int | None

    @property
    def key(self) -> Key:
        return self.event_id, self.target_id, self.due_at


def make(wishes: Wished) -> None:
    """Write what is wished for events of which no delivery exists."""
    _create([wish for wish in wishes.values() if wish.is_timely])


def bring_in_line(events: Sequence[AnyEvent], wishes: Wished) -> None:
    """Bring the pending deliveries of some events, whose rows are locked, in line with the wishes."""
    # What was canceled has given its place free, unless a person did that for good.
    standing = Delivery.objects.filter(event__pk__any_of=[event.pk for event in events], slot=0)
    rows = list(map(_Row._make, standing.order_by("pk").values_list(*_Row._fields)))
    taken = {row.key for row in rows}
    pending = [row for row in rows if row.state == State.PENDING and not row.is_snooze]
    missing = [wish for key, wish in wishes.items() if key not in taken]
    moved = _moved([row for row in pending if row.key not in wishes], missing)
    used = {wish.key for wish in moved.values()}
    _cancel([row.pk for row in pending if row.pk not in moved and row.key not in wishes])
    _update(_MOVED, [(pk, *_moved_of(wish)) for pk, wish in moved.items()])
    _update(_REFRESHED, [(pk, *_refreshed_of(wish)) for pk, wish in _refreshed(pending, wishes).items()])
    _create([wish for wish in missing if wish.is_timely and wish.key not in used])
    gone = [event.pk for event in events if event.canceled_at is not None]
    if gone:
        Delivery.objects.filter(event__pk__any_of=gone, is_snooze=True).cancel("The event was canceled.")


def _moved(rows: Iterable[_Row], missing: Iterable[Wish]) -> dict[int, Wish]:
    """Return which of the rows that are not wished for become what is missing: those of the same step."""
    by_step = {(row.event_id, row.step_id): row for row in rows}
    found: dict[int, Wish] = {}
    for wish in missing:
        row = by_step.pop((wish.event.pk, wish.step.pk), None)
        if row is not None:
            found[row.pk] = wish
    return found


def _refreshed(pending: Iterable[_Row], wishes: Wished) -> dict[int, Wish]:
    """Return the rows of which something changed while the due time stays: deadline, severity or the like."""
    found = {}
    for row in pending:
        wish = wishes.get(row.key)
        if wish is not None and row[-len(_REFRESHED) :] != _refreshed_of(wish):
            found[row.pk] = wish
    return found


def _cancel(pks: Sequence[int]) -> None:
    reason = "No longer wanted: the event or the registration changed."
    for start in range(0, len(pks), _AT_ONCE):
        Delivery.objects.filter(pk__any_of=pks[start : start + _AT_ONCE]).cancel(reason)


def _update(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    bulk.update(Delivery, columns, rows, state=State.PENDING)


def _create(wishes: Sequence[Wish]) -> None:
    for start in range(0, len(wishes), _AT_ONCE):
        rows = [
            (wish.event.pk, *_moved_of(wish), wish.registration.pk, wish.step.pk)
            for wish in wishes[start : start + _AT_ONCE]
        ]
        bulk.insert_missing(Delivery, _MADE, rows)


def _moved_of(wish: Wish) -> tuple[Any, ...]:
    """Return the values of ``_MOVED``."""
    event, _registration, step, due_at, deadline_at, _is_timely = wish
    target = step.target
    return (
        due_at, due_at, deadline_at, event.severity, step.condition, target.pk, target.member_id, target.kind,
    )  # fmt: skip


def _refreshed_of(wish: Wish) -> tuple[Any, ...]:
    """Return the values of ``_REFRESHED``."""
    return wish.deadline_at, wish.event.severity, wish.step.condition, wish.registration.pk, wish.step.pk
