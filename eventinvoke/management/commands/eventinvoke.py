"""``manage.py eventinvoke``: fire due notices from cron, or without Celery."""

import signal
from argparse import ArgumentParser
from threading import Event as Flag
from typing import Any

from django.core.management.base import BaseCommand

from eventinvoke.sending.loops import run_forever, run_once
from eventinvoke.sending.rounds import tend
from registration.jobs import run_waiting


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
            tend()
            self.stdout.write(f"{run_once()} notices were tried.")
            run_waiting()
        else:
            stop = Flag()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            run_forever(stop)
