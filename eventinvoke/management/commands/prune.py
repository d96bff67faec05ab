"""``manage.py prune``: delete what is older than its retention."""

from argparse import ArgumentParser
from math import inf
from typing import Any

from django.core.management.base import BaseCommand

from eventinvoke.retention import prune


class Command(BaseCommand):
    """Delete what is older than its retention (NOTICE_KEEP_… in docs/operations.md), in short transactions."""

    help = "Delete what is older than its retention; --dry-run only counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a dry run, and a limit of time."""
        parser.add_argument("--dry-run", action="store_true", help="Print the counts and delete nothing.")
        parser.add_argument("--seconds", type=float, default=inf, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each table."""
        done = prune(seconds=options["seconds"], is_dry_run=options["dry_run"])
        for name, count in done.counts.items():
            self.stdout.write(f"{count:>10} {name}")
        if done.has_more:
            self.stdout.write("There is more: the time was over.")
        elif options["dry_run"]:
            self.stdout.write("Nothing was deleted.")
