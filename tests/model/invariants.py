"""The invariants of DESIGN.md, each checked on the rows of the real database.

Invariants 8 (clocks of several machines) and 9 (length of transactions) need several processes and are tested elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from common.clock import now
from common.states import REACHED, State
from eventinvoke.models import Delivery
from registration.models import Step
from tests.model.engine import ACKNOWLEDGED, Seen, minute

_SLACK: Final = timedelta(minutes=1)
_WITH_REASON: Final = (
    State.SUPPRESSED, State.CANCELED, State.EXPIRED, State.FAILED, State.UNDELIVERED,
)  # fmt: skip


def broken(seen: Seen) -> Iterator[str]:
    """Yield what is wrong, in words."""
    for check in CHECKS:
        yield from check(seen)


def nothing_due_is_lost(seen: Seen) -> Iterator[str]:
    """1: after a round nothing is due, no lease has run out, and what was not sent has a reason."""
    late = now() - _SLACK
    for row in seen.deliveries.values():
        if row.state == State.PENDING and row.next_attempt_at < late:
            yield f"1: still pending after its time: {_of(row)}"
        if row.state == State.SENDING and (row.lease_until is None or row.lease_until < late):
            yield f"1: no worker came back to it: {_of(row)}"
        if row.state in _WITH_REASON and not row.reason:
            yield f"1: ended without a reason: {_of(row)}"
    yield from (f"1: no digest of what was held back until {at:%H:%M}" for at in seen.held_until if at < late)


def no_member_is_told_twice(seen: Seen) -> Iterator[str]:
    """2: no two deliveries of one start, target and due time stand beside each other."""
    stands = [row for row in seen.deliveries.values() if row.state != State.CANCELED]
    counts = Counter((row.event_id, row.target_id, row.starts_at, row.due_at) for row in stands)
    yield from (f"2: told {count} times: {key}" for key, count in counts.items() if count > 1)


def an_answer_is_about_what_was_told(seen: Seen) -> Iterator[str]:
    """3: the start of each answer is one that a try of its delivery told."""
    for answer in seen.answers:
        told = seen.told_by(seen.deliveries[answer.delivery_id])
        if told and minute(answer.starts_at) not in told:
            yield f"3: an answer counts for {answer.starts_at:%H:%M:%S}, which its notice never told"


def an_answer_settles_the_members_steps(seen: Seen) -> Iterator[str]:
    """4: after an acknowledgement no step of this member to the same start that waits for one is pending."""
    for answer in seen.answers:
        for row in seen.deliveries.values():
            is_same = row.event_id == answer.event_id and row.member_id == answer.member_id
            is_pending = row.state == State.PENDING and row.condition == Step.Condition.UNCONFIRMED
            is_about_it = row.event.starts_at == answer.starts_at
            if answer.kind == ACKNOWLEDGED and is_same and is_pending and is_about_it:
                yield f"4: pending in spite of an acknowledgement: {_of(row)}"


def evidence_is_kept(seen: Seen) -> Iterator[str]:
    """6: an answered delivery counts as reached, unless it was canceled."""
    for answer in seen.answers:
        row = seen.deliveries[answer.delivery_id]
        if row.state not in {*REACHED, State.CANCELED}:
            yield f"6: answered, but {row.state}: {_of(row)}"


def tries_are_recorded(seen: Seen) -> Iterator[str]:
    """7: what was tried has an attempt for each try."""
    counts = Counter(one.delivery_id for one in seen.attempts)
    for row in seen.deliveries.values():
        if row.attempts != counts[row.pk]:
            yield f"7: {row.attempts} tries, {counts[row.pk]} attempts: {_of(row)}"


CHECKS: Final[list[Callable[[Seen], Iterator[str]]]] = [
    nothing_due_is_lost,
    no_member_is_told_twice,
    an_answer_is_about_what_was_told,
    an_answer_settles_the_members_steps,
    evidence_is_kept,
    tries_are_recorded,
]


def reasons(seen: Seen) -> list[str]:
    """Return every delivery with its state and reason, to look for a cause."""
    rows = sorted(seen.deliveries.values(), key=lambda row: (row.due_at, row.pk))
    return [f"          {_of(row)}: {row.state} {row.reason}" for row in rows]


def _of(row: Delivery) -> str:
    return f"{row.member}'s {row.kind}, “{row.event}”, due {row.due_at:%H:%M:%S}, plan {row.registration_id}"
