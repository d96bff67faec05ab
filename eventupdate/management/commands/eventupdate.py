"""The command that syncs calendars, for cron and for people."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.clock import now
from common.errors import FeedError
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.sync import Outcome, preview, sync
from registration.models import Calendar

FAILED, USAGE = 1, 2


class Command(BaseCommand):
    help = """Read the calendars that are due and bring their events in step with them.
    What is to come of calendars that were removed or switched off is taken back.

    A line for each calendar says what changed. The exit code is 0 when all went well, 1 when a
    calendar could not be read (nothing that is stored changes by that), 2 for a wrong option."""

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--calendar", type=int, metavar="ID", help="this calendar, due or not")
        chosen.add_argument("--all", action="store_true", help="every active calendar, due or not")
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would change, and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        one = self._preview if options["dry_run"] else self._sync
        if options["calendar"] is None and not options["dry_run"]:
            withdraw_abandoned(now())
        results = [one(calendar) for calendar in self._chosen(options)]
        if not all(results):
            msg = f"{results.count(False)} of {len(results)} calendars could not be read."
            raise CommandError(msg, returncode=FAILED)

    def _chosen(self, options: dict[str, Any]) -> list[Calendar]:
        calendars = Calendar.objects.defer("content").order_by("pk")
        if options["calendar"] is not None:
            found = list(calendars.filter(pk=options["calendar"]))
            if not found:
                msg = f"There is no calendar {options['calendar']}."
                raise CommandError(msg, returncode=USAGE)
            return found
        return list(calendars.active() if options["all"] else calendars.due(now()))

    def _sync(self, calendar: Calendar) -> bool:
        report = sync(calendar, at=now())
        match report.outcome:
            case Outcome.SYNCED:
                skipped = f", {report.skipped} skipped" if report.skipped else ""
                said = f"{report.added} added, {report.changed} changed, {report.removed} removed"
                self._say(calendar, f"{said}{skipped}")
            case Outcome.UNCHANGED:
                self._say(calendar, "as it was")
            case Outcome.BUSY:
                self._say(calendar, "is being read by somebody else")
            case Outcome.FAILED:
                self._complain(calendar, report.problem)
                return False
        self._tell(calendar, (report.problem, *report.notes))
        return True

    def _preview(self, calendar: Calendar) -> bool:
        try:
            update, notes = preview(calendar, at=now())
        except FeedError as error:
            self._complain(calendar, error.message)
            return False
        difference = update.difference
        counts = f"{len(difference.added)} to add, {len(difference.changed)} to change"
        self._say(calendar, f"{counts}, {len(difference.removed)} to remove")
        for line in difference.lines():
            self.stdout.write(f"  {line}")
        self._tell(calendar, (update.problem, *notes))
        return True

    def _tell(self, calendar: Calendar, sentences: tuple[str, ...]) -> None:
        for sentence in filter(None, sentences):
            self._complain(calendar, sentence)

    def _say(self, calendar: Calendar, text: str) -> None:
        self.stdout.write(f"{calendar.pk} {calendar.name}: {text}")

    def _complain(self, calendar: Calendar, text: str) -> None:
        self.stderr.write(f"{calendar.pk} {calendar.name}: {text}")
