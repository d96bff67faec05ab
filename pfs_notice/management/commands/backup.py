"""``manage.py backup FILE``: copy the database and the keys."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pfs_notice.backup import BackupError, back_up


class Command(BaseCommand):
    """Write the database and the keys to a new file (tar), while everything runs. Keep it as secret as the keys."""

    help = __doc__ or ""
    requires_system_checks = ()  # what is broken can be copied, and put right

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys = back_up(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        named = ", ".join(keys) or "none: they are in the environment, keep a copy of it"
        self.stdout.write(f"{options['file']} has the database and these keys: {named}.")
