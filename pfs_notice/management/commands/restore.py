"""``manage.py restore FILE``: put back what ``manage.py backup`` has copied."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pfs_notice.backup import BackupError, restore


class Command(BaseCommand):
    """Put back the database and the keys of a copy. Stop all processes before, and run ``migrate`` afterwards."""

    help = __doc__ or ""
    requires_system_checks = ()  # what is broken can be copied, and put right

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="Replace tables and keys that are there.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restore(options["file"], replace=options["replace"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            "The database and the keys are back. Run `manage.py migrate`, then start all processes."
        )
