"""Rounds without Celery: once, for cron, and for ever, in threads of one process."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Event as Flag
from threading import Thread
from time import monotonic, sleep
from typing import Final

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from common.channels import get
from common.clock import now
from eventinvoke.planning.replan import follow_changes, has_changes
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.limits import rate_of
from eventinvoke.sending.prepare import prepare
from eventinvoke.sending.rounds import do_round, plan_changes, send, tend
from eventinvoke.sending.wake import AHEAD
from registration.jobs import has_work, run_waiting

log = logging.getLogger(__name__)

TEND_EVERY: Final = 5.0
ONCE: Final = 50.0
"""Seconds for which ``run_once`` waits for the rates of providers; cron runs it each minute."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before it tries again while the database is away; the pause doubles."""
_BUSY_PAUSE: Final = 0.05
"""Seconds between two rounds while something is overdue."""


def run_once() -> int:
    """Plan what changed and send all that is due; return how many notices were tried.

    Where a provider takes only so many a second, that is waited for, until cron comes again.
    """
    hands = _OwnHands(monotonic() + ONCE)
    hands.plan()
    while True:
        tried, hands.has_planned = hands.tried, False
        kinds = do_round(hands) - hands.broken
        if hands.tried > tried or (hands.has_planned and not hands.is_late()):
            continue
        if hands.is_late() or not any(rate_of(get(kind)) for kind in kinds):
            return hands.tried
        sleep(0.1)


class _OwnHands:
    """Does everything itself, one thing after another. What is not due yet is left to the next run."""

    def __init__(self, until: float) -> None:
        self._until = until
        self.tried = 0
        self.has_planned = False
        self.broken: set[str] = set()

    def is_late(self) -> bool:
        """Say whether the time of this run is over."""
        return monotonic() > self._until

    def send(self, kind: str, batches: int) -> None:  # noqa: ARG002 - there is one sender
        """Send what is due of one kind. A defect of one channel does not stop the others."""
        if kind in self.broken:
            return
        try:
            self.tried += send(kind).tried
        except Exception as error:  # noqa: BLE001 - see above
            _say(error, f"{kind} is left to the next run")
            self.broken.add(kind)

    def plan(self) -> None:
        """Plan what changed to the end, and make the digests."""
        while (planned := follow_changes()) and has_changes() and not self.is_late():
            pass  # it goes on where it left off
        self.has_planned = bool(planned + summarise_due())

    def prepare(self, kind: str) -> None:
        """Prepare nothing: this run ends before it would be of use."""

    def wait_until(self, instant: datetime) -> bool:
        """Wait for nothing that is not due."""
        return instant <= now()


def run_forever(stop: Flag) -> None:
    """Do rounds, each kind in a thread of its own, until ``stop`` is set.

    While the database is away (or something else goes wrong) it tries again, less and less often.
    """
    hands = _Threads(stop)
    tended_at = -TEND_EVERY
    pause = SHORTEST_PAUSE
    while not stop.is_set():
        try:
            close_old_connections()
            began_at = monotonic()
            if began_at - tended_at >= TEND_EVERY:
                tend()
                tended_at = began_at
            if has_work():
                hands.do_jobs()
            is_busy = bool(do_round(hands))
            rest = AHEAD.total_seconds() - (monotonic() - began_at)
            stop.wait(_BUSY_PAUSE if is_busy else max(0.0, rest))
            pause = SHORTEST_PAUSE
        except Exception as error:  # noqa: BLE001 - this process alone fires what falls due
            _say(error, f"trying again in {pause:g} s")
            connection.close()
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    hands.join()


class _Threads:
    """One thread a kind, while there is something to send, one while there is something to prepare.

    And one for all, while there is something to plan: that may take longer than until the next due time.
    """

    def __init__(self, stop: Flag) -> None:
        self._stop = stop
        self._threads: dict[str, Thread] = {}

    def send(self, kind: str, batches: int) -> None:  # noqa: ARG002 - there is one sender
        """Send what is due of one kind, unless that is under way."""
        self._begin(f"send-{kind}", partial(self._send, kind), kind)

    def _send(self, kind: str) -> None:
        while send(kind).has_more and not self._stop.is_set():
            pass

    def plan(self) -> None:
        """Plan what changed, unless that is under way."""
        self._begin("plan", plan_changes, "planning")

    def do_jobs(self) -> None:
        """Do the jobs for which pages wait, unless that is under way."""
        self._begin("jobs", run_waiting, "a job")

    def prepare(self, kind: str) -> None:
        """Prepare what is due soon of one kind, unless that is under way."""
        self._begin(f"prepare-{kind}", partial(prepare, kind), kind)

    def wait_until(self, instant: datetime) -> bool:
        """Wait for an instant; return False when everything is to end."""
        return not self._stop.wait(max(0.0, (instant - now()).total_seconds()))

    def _begin(self, name: str, work: Callable[[], object], what: str) -> None:
        thread = self._threads.get(name)
        if thread is None or not thread.is_alive():
            self._threads[name] = Thread(target=_do, args=(work, what), name=name)
            self._threads[name].start()

    def join(self) -> None:
        """Wait for what is under way."""
        for thread in self._threads.values():
            thread.join()


def _do(work: Callable[[], object], what: str) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - what it leaves behind is taken up when its lease runs out
        _say(error, f"{what} is tried again")
    finally:
        connection.close()


def _say(error: Exception, what_next: str) -> None:
    if isinstance(error, (OperationalError, InterfaceError)):
        log.warning("the database is away, %s: %s", what_next, " ".join(str(error).split()))
    else:
        log.error("something went wrong, %s", what_next, exc_info=error)
