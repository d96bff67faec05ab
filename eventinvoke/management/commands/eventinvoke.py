"""``manage.py eventinvoke``: fire due notices from cron, or without Celery."""

import signal
from argparse import ArgumentParser
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection

from common.clock import now
from eventinvoke.changes import follow_changes
from eventinvoke.deliver import fire
from eventinvoke.leases import recover_leases, take_back
from eventinvoke.wake import AHEAD, due_soon, next_due

TEND_EVERY = 5.0


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
    """Plan what changed and send all that is due; return how many notices were tried."""
    follow_changes()
    count = 0
    while kinds := [kind for kind, at in next_due().items() if at <= now()]:
        tried = sum(fire(kind).tried for kind in kinds)
        count += tried
        if not tried:
            break
    return count


def run_forever(stop: Flag) -> None:
    """Send each kind in a thread of its own, as it falls due, until ``stop`` is set."""
    senders: dict[str, Thread] = {}
    tended_at = 0.0
    while not stop.is_set():
        close_old_connections()
        follow_changes()
        if monotonic() - tended_at >= TEND_EVERY:
            recover_leases()
            take_back()
            tended_at = monotonic()
        due = due_soon()
        wait = max(0.0, min([(one.at - now()).total_seconds() for one in due], default=AHEAD.total_seconds()))
        stop.wait(wait)
        for one in due:
            if one.at <= now() and not (one.kind in senders and senders[one.kind].is_alive()):
                senders[one.kind] = Thread(target=_send, args=(one.kind,), name=f"send-{one.kind}")
                senders[one.kind].start()
        if due and wait == 0:
            stop.wait(0.05)
    for sender in senders.values():
        sender.join()


def _send(kind: str) -> None:
    try:
        fire(kind)
    finally:
        connection.close()
