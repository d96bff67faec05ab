"""Recording: what became of the tries, written in batches.

Every update is conditional on the state and the number of the try, so that a worker that comes
late (its lease ran out, another took over, a callback was faster) changes nothing.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from common.channels import Channel, Outcome, Resend, SendResult
from common.clock import now
from common.concerned import about
from common.db import bulk
from common.states import State
from eventinvoke.models import Attempt, Delivery, Tally
from eventinvoke.models.deliveries import report_until
from eventinvoke.planning.escalation import Cause, Miss, bring_forward
from eventinvoke.planning.target_loss import tell_of_lost_targets
from eventinvoke.sending.backoff import next_try
from eventinvoke.sending.compose import Claimed
from eventinvoke.sending.staff_notices import tell_staff
from registration.models import Target

log = logging.getLogger(__name__)

MAX_AGE: Final = 0.2
"""Seconds after which results are written even if they are few."""
_REASON: Final = 300
_TAKEN: Final = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.UNDELIVERED)
"""The provider took it."""

Result = tuple[Claimed, SendResult]


class Recorder:
    """Collects results and writes them ``size`` at a time, or when they grow old."""

    def __init__(self, channel: Channel, size: int) -> None:
        """Record the results of one channel."""
        self._channel = channel
        self._size = size
        self._results: list[Result] = []
        self._since = 0.0

    def add(self, claimed: Claimed, result: SendResult) -> None:
        """Take one result."""
        if not self._results:
            self._since = monotonic()
        self._results.append((claimed, result))

    def flush_if_due(self) -> None:
        """Write what was collected if it is enough or old enough."""
        if self._results and (len(self._results) >= self._size or monotonic() - self._since > MAX_AGE):
            self.flush()

    def flush(self) -> None:
        """Write what was collected; keep it for later while the database is away."""
        results, self._results = self._results, []
        if not results:
            return
        try:
            record(self._channel, results)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            with about(claimed.delivery_id for claimed, _result in results):
                log.warning(
                    "%s: %s results wait for the database: %s", self._channel.kind, len(results), error
                )
            # Writing twice does no harm: every update names the state and the try that it is about.
            self._results = results
            self._since = monotonic()
            connection.close()
        except Exception:
            if connection.in_atomic_block:
                raise
            self._one_by_one(results)

    def _one_by_one(self, results: list[Result]) -> None:
        """Write results singly, as one of them can't be written and must not take the others along.

        What became of the one that is left out, its lease brings to light.
        """
        for claimed, result in results:
            try:
                record(self._channel, [(claimed, result)])
            except (OperationalError, InterfaceError):
                self.add(claimed, result)
            except Exception:
                with about([claimed.delivery_id]):
                    log.exception(
                        "%s: the result of attempt %s can't be written",
                        self._channel.kind,
                        claimed.attempt_id,
                    )

    def finish(self) -> None:
        """Write what was collected, waiting for the database as long as a lease lasts.

        No other process knows what became of these tries: without them a push would be sent twice, and a
        provider asked about a call. Raises the database's error when the time is over.
        """
        until = monotonic() + settings.NOTICE_LEASE_SECONDS
        self.flush()
        while self._results:
            if monotonic() > until:
                record(self._channel, self._results)
                return
            time.sleep(MAX_AGE)
            self.flush()


def record(channel: Channel, results: Sequence[Result]) -> None:
    """Write what became of some tries: the attempts first, then the deliveries."""
    instant = now()
    groups: dict[Outcome, list[Result]] = defaultdict(list)
    for claimed, result in results:
        outcome = result.outcome
        if outcome == Outcome.UNKNOWN and channel.capabilities.resend == Resend.AGAIN:
            outcome = Outcome.RETRY
        groups[outcome].append((claimed, result))
    with transaction.atomic():
        _record_attempts(results, instant)
        look_again = _look_again(channel, instant)
        _settle(groups[Outcome.ACCEPTED], State.SENT, sent_at=instant, lease_until=look_again)
        reached = _settle(groups[Outcome.DELIVERED], State.DELIVERED, sent_at=instant, delivered_at=instant)
        missed = _miss(groups[Outcome.UNDELIVERED], instant)
        over = _retry(groups[Outcome.RETRY] + groups[Outcome.MISCONFIGURED], instant)
        failed = _fail(over + groups[Outcome.REJECTED] + groups[Outcome.GONE], instant)
        lost = _disable(groups[Outcome.GONE])
        # Our own mistake may last: the try goes on, and so do the plans.
        bring_forward(_refused_first(groups[Outcome.MISCONFIGURED]))
        _settle(
            groups[Outcome.UNKNOWN],
            None,
            lease_until=instant + timedelta(seconds=settings.NOTICE_ASK_SECONDS),
        )
        topic = Tally.Topic
        Tally.objects.note(
            channel.kind,
            {topic.REACHED: reached, topic.UNDELIVERED: missed, topic.FAILED: failed},
            [
                (instant - claimed.due_at).total_seconds()
                for outcome in _TAKEN
                for claimed, _result in groups[outcome]
            ],
        )
    tell_of_lost_targets(lost)
    if wrong := groups[Outcome.MISCONFIGURED]:
        with about(claimed.delivery_id for claimed, _result in wrong):
            log.error("%s: %s messages refused: %s", channel.kind, len(wrong), wrong[0][1].reason)
        tell_staff(channel, "the provider refuses our settings", wrong[0][1].reason)


def _refused_first(results: Sequence[Result]) -> list[Miss]:
    """Return the misses among refusals of our own settings: a delivery's first one, not those of its later tries."""
    numbers = {claimed.delivery_id: claimed.number for claimed, _result in results}
    if not numbers:
        return []
    earlier = Attempt.objects.filter(delivery__pk__any_of=list(numbers), outcome=Outcome.MISCONFIGURED)
    for pk, number in earlier.values_list("delivery_id", "number"):
        if number < numbers.get(pk, 0):
            del numbers[pk]
    return [Miss(pk) for pk in numbers]


def _look_again(channel: Channel, instant: datetime) -> datetime | None:
    """Return until when a provider or a browser has to have reported about what was accepted at ``instant``."""
    if not channel.capabilities.has_receipts:
        return None
    if channel.capabilities.resend == Resend.ASK:
        return report_until(instant)
    return instant + timedelta(seconds=settings.NOTICE_RECEIPT_SECONDS)


def _record_attempts(results: Sequence[Result], instant: datetime) -> None:
    plain: dict[Outcome, list[Claimed]] = defaultdict(list)
    told: list[tuple[object, ...]] = []
    named: list[tuple[object, ...]] = []
    unknown: list[tuple[object, ...]] = []
    for claimed, result in results:
        row = (claimed.attempt_id, instant, result.outcome, result.reason[:_REASON])
        if result.provider_id:
            named.append((*row, result.provider_id[:200]))
        elif result.outcome == Outcome.UNKNOWN:
            unknown.append(row)
        elif result.reason:
            told.append(row)
        else:
            plain[result.outcome].append(claimed)
    for outcome, some in plain.items():
        Attempt.objects.filter(pk__any_of=[one.attempt_id for one in some]).update(
            outcome=outcome, ended_at=instant
        )
    columns = ["ended_at", "outcome", "reason"]
    bulk.update(Attempt, [*columns, "provider_id"], named)
    # A callback may have told the provider's id before, and a worker that asked may have stored the
    # outcome: a result that knows less changes neither.
    bulk.update(Attempt, columns, told)
    bulk.update(Attempt, columns, unknown, outcome="")


def _settle(results: Sequence[Result], state: State | None, **changes: object) -> int:
    """Move deliveries of this try on, all in the same way; with no state, only change columns; return how many."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for claimed, _result in results:
        by_number[claimed.number].append(claimed.delivery_id)
    if state is not None:
        changes = {"state": state, "lease_until": None} | changes
    return sum(
        Delivery.objects.filter(pk__any_of=pks, state=State.SENDING, attempts=number).update(**changes)
        for number, pks in by_number.items()
    )


def _retry(results: Sequence[Result], instant: datetime) -> list[Result]:
    """Plan the next try of each; return those whose deadline leaves no time for one."""
    again: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    over: list[Result] = []
    for claimed, result in results:
        at = next_try(claimed.number, instant, claimed.message.expires_at, result.retry_after)
        if at is None:
            over.append((claimed, result))
        else:
            again[claimed.number].append(
                (claimed.delivery_id, State.PENDING, None, at, result.reason[:_REASON])
            )
    for number, rows in again.items():
        bulk.update(
            Delivery,
            ["state", "lease_until", "next_attempt_at", "reason"],
            rows,
            state=State.SENDING,
            attempts=number,
        )
    return over


def _fail(results: Sequence[Result], instant: datetime) -> int:
    failed = _end(State.FAILED, results, instant)
    bring_forward(Miss(pk) for pk in sorted(failed))
    return len(failed)


def _miss(results: Sequence[Result], instant: datetime) -> int:
    """Note what a provider took that did not reach the person: as its report would have, had it come."""
    missed = _end(State.UNDELIVERED, results, instant, sent_at=instant)
    may_redial = {claimed.delivery_id for claimed, result in results if result.may_redial}
    bring_forward(Miss(pk, Cause.NO_ANSWER if pk in may_redial else Cause.FAILED) for pk in sorted(missed))
    return len(missed)


def _end(state: State, results: Sequence[Result], instant: datetime, **changes: object) -> set[int]:
    """Bring deliveries of this try to their end, each with its reason; return those that were changed."""
    by_number: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for claimed, result in results:
        row = (claimed.delivery_id, state, None, result.reason[:_REASON], instant, *changes.values())
        by_number[claimed.number].append(row)
    ended: set[int] = set()
    for number, rows in by_number.items():
        columns = ["state", "lease_until", "reason", "settled_at", *changes]
        bulk.update(Delivery, columns, rows, state=State.SENDING, attempts=number)
        # A worker that comes late has changed nothing, and nothing follows from what it found.
        changed = Delivery.objects.filter(pk__any_of=[row[0] for row in rows], state=state)
        ended |= set(changed.filter(attempts=number, settled_at=instant).values_list("pk", flat=True))
    return ended


def _disable(results: Sequence[Result]) -> list[Target]:
    """Disable what the provider says is gone; return those rows."""
    lost: list[Target] = []
    by_reason: dict[str, list[int]] = defaultdict(list)
    for claimed, result in results:
        if claimed.target_id is not None:
            by_reason[result.reason or "The provider says that it is gone."].append(claimed.target_id)
    for reason, pks in by_reason.items():
        rows = Target.objects.filter(pk__any_of=pks)
        rows.disable(reason)
        lost += rows.filter(disabled_reason=reason[:_REASON]).select_related("member")
    return lost
