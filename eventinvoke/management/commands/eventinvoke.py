"""``manage.py eventinvoke``: fire due notices from cron, or without Celery."""

import logging
import signal
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from threading import Event as Flag
from threading import Thread
from time import monotonic, sleep
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from common.channels import get
from common.clock import now
from eventinvoke.planning.replan import follow_changes, has_changes
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.leases import recover_leases, take_back
from eventinvoke.sending.limits import rate_of
from eventinvoke.sending.prepare import drop_stale, prepare, worth_preparing
from eventinvoke.sending.wake import AHEAD, Due, due_soon, next_due

log = logging.getLogger(__name__)

TEND_EVERY = 5.0
ONCE = 50.0
"""Seconds for which ``--once`` waits for the rates of providers; cron runs it each minute."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before it tries again while the database is away; the pause doubles."""


class Command(BaseCommand):
    """Send the notices that are due.

    ``--once`` plans what changed, sends what is due and ends: for cron. ``--forever`` goes on, and
    wakes at each due time: for a machine without Celery. On SIGTERM or Ctrl-C it finishes the
    batch that it sends and ends.
    """

    help = "Send the notices that are due: once (for cron) or for ever (without a Celery worker)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take either of the two ways to run."""
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--once", action="store_true", help="Send what is due now, then end.")
        way.add_argument("--forever", action="store_true", help="Go on until stopped.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run once or for ever."""
        if options["once"]:
            recover_leases()
            take_back()
            self.stdout.write(f"{run_once()} notices were tried.")
        else:
            stop = Flag()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            run_forever(stop)


def run_once() -> int:
    """Plan what changed and send all that is due; return how many notices were tried.

    Where a provider takes only so many a second, that is waited for, until cron comes again.
    """
    until = monotonic() + ONCE
    while follow_changes() and has_changes() and monotonic() < until:
        pass  # it goes on where it left off
    summarise_due()
    count = 0
    until = monotonic() + ONCE
    broken: set[str] = set()
    while kinds := {kind for kind, at in next_due().items() if at <= now()} - broken:
        tried = 0
        for kind in sorted(kinds):
            try:
                tried += fire(kind).tried
            except Exception as error:  # noqa: BLE001 - a defect of one channel must not stop the others
                _say(error, f"{kind} is left to the next run")
                broken.add(kind)
        count += tried
        if not tried:
            if monotonic() > until or not any(rate_of(get(kind)) for kind in kinds):
                break
            sleep(0.1)
    return count


def run_forever(stop: Flag) -> None:
    """Send each kind in a thread of its own, as it falls due, until ``stop`` is set.

    While the database is away (or something else goes wrong) it tries again, less and less often.
    """
    senders = _Senders()
    tended_at = -TEND_EVERY
    pause = SHORTEST_PAUSE
    while not stop.is_set():
        try:
            close_old_connections()
            if has_changes():
                senders.plan()
            summarise_due()
            if monotonic() - tended_at >= TEND_EVERY:
                recover_leases()
                take_back()
                drop_stale()
                tended_at = monotonic()
            for kind in worth_preparing():
                senders.prepare(kind)
            _wait_and_send(due_soon(), senders, stop)
            pause = SHORTEST_PAUSE
        except Exception as error:  # noqa: BLE001 - nobody else would fire what falls due
            _say(error, f"trying again in {pause:g} s")
            connection.close()
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    senders.join()


def _wait_and_send(due: list[Due], senders: "_Senders", stop: Flag) -> None:
    wait = max(0.0, min([(one.at - now()).total_seconds() for one in due], default=AHEAD.total_seconds()))
    stop.wait(wait)
    for one in due:
        if one.at <= now():
            senders.start(one.kind)
    if due and wait == 0:
        stop.wait(0.05)


class _Senders:
    """One thread a kind, while there is something to send, one while there is something to prepare.

    And one for all, while there is something to plan: that may take longer than until the next due time.
    """

    def __init__(self) -> None:
        self._threads: dict[str, Thread] = {}

    def start(self, kind: str) -> None:
        """Send what is due of one kind, unless that is under way."""
        self._begin(f"send-{kind}", partial(fire, kind), kind)

    def prepare(self, kind: str) -> None:
        """Prepare what is due soon of one kind, unless that is under way."""
        self._begin(f"prepare-{kind}", partial(prepare, kind), kind)

    def plan(self) -> None:
        """Plan what changed, unless that is under way."""
        self._begin("plan", follow_changes, "planning")

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
