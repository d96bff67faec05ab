"""``manage.py doctor``: examine a running installation."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from pfs_notice.doctor import Level, examine


class Command(BaseCommand):
    """Examine the running installation, and say what to do where something is wrong; the exit code is 1 then."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        is_wrong = False
        for finding in examine():
            self.stdout.write(f"{finding.level:<6} {finding.part:<12} {finding.text}")
            if finding.advice:
                self.stdout.write(f"{'':<20}-> {finding.advice}")
            is_wrong = is_wrong or finding.level == Level.WRONG
        if is_wrong:
            sys.exit(1)
