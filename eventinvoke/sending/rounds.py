"""Rounds: what is done at each wake-up, by the beat, by cron or by ``eventinvoke --forever``.

A round starts what is overdue, has what changed planned, has digests made and notices prepared, and
waits for what falls due before the next round. Who does the work differs: Celery's workers, threads
of one process, or the process itself (``Hands``).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from common.clock import now
from eventinvoke.models import Delivery, Held, Tally
from eventinvoke.planning.replan import follow_changes, has_changes
from eventinvoke.sending.deliver import Fired, fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.heartbeats import keep_time, note_fired, note_round
from eventinvoke.sending.leases import recover_leases, take_back
from eventinvoke.sending.prepare import drop_stale, worth_preparing
from eventinvoke.sending.wake import Due, due_soon


class Hands(Protocol):
    """Carries out what a round asks for."""

    def send(self, kind: str, batches: int) -> None:
        """Have what is due of one kind sent, by as many senders as there are batches."""

    def plan(self) -> None:
        """Have ``plan_changes`` done."""

    def prepare(self, kind: str) -> None:
        """Have what is due soon of one kind prepared."""

    def wait_until(self, instant: datetime) -> bool:
        """Wait for an instant; return False where what is due later is left to others."""


def do_round(hands: Hands) -> set[str]:
    """Do one round; return the kinds of which something was overdue when it began."""
    keep_time()
    due = due_soon()
    instant = now()
    overdue = [one for one in due if one.at <= instant]
    for one in overdue:
        hands.send(one.kind, one.batches)
    if has_changes() or has_digests():
        hands.plan()
    for kind in worth_preparing():
        hands.prepare(kind)
    note_round()
    _send_in_time(hands, (one for one in due if one.at > instant))
    return {one.kind for one in overdue}


def start_due(hands: Hands) -> None:
    """Send what is due now and before the next round."""
    _send_in_time(hands, due_soon())


def _send_in_time(hands: Hands, due: Iterable[Due]) -> None:
    for one in due:
        if not hands.wait_until(one.at):
            return
        hands.send(one.kind, one.batches)


def send(kind: str) -> Fired:
    """Send what is due of one kind (``deliver.fire``), and give a sign of life of it."""
    fired = fire(kind)
    note_fired(kind)
    return fired


def has_digests() -> bool:
    """Say whether the time of a digest has come."""
    return Held.objects.filter(until__lte=now()).exists()


def plan_changes() -> int:
    """Plan the registrations that changed, make the digests that are due; return how many those were."""
    return follow_changes() + summarise_due()


def tend() -> None:
    """Look after what went wrong, every few seconds.

    Restore what expired by a wrong clock, take up what a dead worker left, take back what is not wanted
    any more, drop what is stale, add tallies up.
    """
    keep_time()
    Delivery.objects.restore_wrongly_expired(now())
    recover_leases()
    take_back()
    drop_stale()
    Tally.objects.add_up()
