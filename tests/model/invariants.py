"""The invariants of DESIGN.md, each checked on the rows of the real database.

Invariants 8 (clocks of several machines) and 9 (length of transactions) need several processes and are tested elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery

if TYPE_CHECKING:
    from tests.model.engine import Engine

_SLACK: Final = timedelta(minutes=1)
_WITH_REASON: Final = (
    State.SUPPRESSED, State.CANCELED, State.EXPIRED, State.FAILED, State.UNDELIVERED,
)  # fmt: skip


def broken(engine: "Engine") -> Iterator[str]:
    """Yield what is wrong, in words."""
    for check in CHECKS:
        yield from check(engine)


def nothing_due_is_lost(_engine: "Engine") -> Iterator[str]:
    """1: after a round nothing is due, no lease has run out, and what was not sent has a reason."""
    late = Delivery.objects.filter(state=State.PENDING, next_attempt_at__lt=now() - _SLACK)
    yield from (f"1: still pending after its time: {_of(row)}" for row in late)
    stuck = Delivery.objects.filter(state=State.SENDING, lease_until__lt=now() - _SLACK)
    yield from (f"1: no worker came back to it: {_of(row)}" for row in stuck)
    mute = Delivery.objects.filter(state__in=_WITH_REASON, reason="")
    yield from (f"1: ended without a reason: {_of(row)}" for row in mute)


def nobody_is_told_twice(_engine: "Engine") -> Iterator[str]:
    """2: no two deliveries of one event, target and due time stand beside each other."""
    rows = Delivery.objects.exclude(state=State.CANCELED).values_list("event", "target", "due_at")
    for (event, target, due_at), count in Counter(rows).items():
        if count > 1:
            yield f"2: event {event} is told {count} times to target {target} at {due_at:%H:%M}"


def an_answer_is_about_what_was_told(engine: "Engine") -> Iterator[str]:
    """3: the start of each answer is one that a try of its delivery told."""
    starts = engine.starts
    for answer in Answer.objects.all():
        tries = Attempt.objects.filter(delivery=answer.delivery_id).values_list("pk", flat=True)
        told = {starts[str(pk)] for pk in tries if str(pk) in starts}
        if told and engine.minute(answer.starts_at) not in told:
            yield f"3: an answer counts for {answer.starts_at:%H:%M}, which its notice never told"


def evidence_is_kept(_engine: "Engine") -> Iterator[str]:
    """6: an acknowledged or answered delivery counts as reached, unless it was canceled."""
    answered = Delivery.objects.filter(answers__isnull=False)
    forgotten = answered.exclude(state__in=[State.DELIVERED, State.ACKNOWLEDGED, State.CANCELED])
    yield from (f"6: answered, but {row.state}: {_of(row)}" for row in forgotten.distinct())


def tries_are_recorded(_engine: "Engine") -> Iterator[str]:
    """7: what was tried has an attempt for each try."""
    for row in Delivery.objects.filter(attempts__gt=0):
        if row.attempts_made.count() != row.attempts:
            yield f"7: {row.attempts} tries, {row.attempts_made.count()} attempts: {_of(row)}"


CHECKS: Final[list[Callable[["Engine"], Iterator[str]]]] = [
    nothing_due_is_lost,
    nobody_is_told_twice,
    an_answer_is_about_what_was_told,
    evidence_is_kept,
    tries_are_recorded,
]


def reasons() -> list[str]:
    """Return every delivery with its state and reason, for whoever looks for a cause."""
    return [f"          {_of(row)}: {row.state} {row.reason}" for row in Delivery.objects.order_by("due_at", "pk")]


def _of(row: Delivery) -> str:
    return f"{row.member}'s {row.kind}, “{row.event}”, due {row.due_at:%H:%M:%S}, plan {row.registration_id}"
