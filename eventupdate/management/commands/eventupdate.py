"""The command that syncs calendars, for cron and for manual use."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from common.clock import now
from common.errors import FeedError
from eventinvoke.sending.heartbeats import keep_time
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.progress import Progress
from eventupdate.rounds import in_parallel
from eventupdate.sync import Outcome, SyncReport, preview, sync
from eventupdate.update import Update
from registration.models import Calendar
from registration.querysets import CalendarQuerySet

FAILED, USAGE = 1, 2

_SPAN: Final = re.compile(r"(\d{1,6})\s*(s|m|h|d)", re.IGNORECASE)
_ID_DIGITS: Final = 19
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

T = TypeVar("T")

Previewed = tuple[Update, tuple[str, ...]] | FeedError
"""What a sync would change, with the provider's notes, or the error of the reading."""


class Command(BaseCommand):
    help = """Read the calendars that are due, several at once, and update their events. Upcoming
    events of calendars that were removed or switched off are canceled.

    A line for each calendar says what changed. The exit code is 0 on success, 1 if a calendar could
    not be read (its stored events stay), 2 for a wrong option."""

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument(
            "--calendar",
            action="append",
            metavar="NAME_OR_ID",
            help="this calendar, due or not; can be repeated",
        )
        chosen.add_argument("--all", action="store_true", help="every active calendar, due or not")
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="skip calendars that were read since then: a duration before now (90s, 30m, 2h, 1d), or a "
            "time (2026-11-20T12:00, UTC without another zone). Without --calendar and --all it applies to "
            "all active calendars, due or not",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would change, and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keep_time()
        is_dry = options["dry_run"]
        calendars = self._chosen(options)
        if not options["calendar"] and not is_dry:
            withdraw_abandoned(now())
        failed = (
            self._round(calendars, _preview, self._show)
            if is_dry
            else self._round(calendars, _sync, self._tell)
        )
        if failed:
            msg = f"{failed} of {len(calendars)} calendars could not be read."
            raise CommandError(msg, returncode=FAILED)

    def _round(
        self, calendars: list[Calendar], work: Callable[[Calendar], T], say: Callable[[Calendar, T], bool]
    ) -> int:
        """Do the work for each calendar and print its result; return the number of failures."""
        failed = 0
        with Progress(self.stdout, len(calendars), "calendars") as progress:
            for calendar, result in in_parallel(calendars, work):
                progress.hide()
                failed += not say(calendar, result)
                progress.step()
        return failed

    def _chosen(self, options: dict[str, Any]) -> list[Calendar]:
        calendars = Calendar.objects.defer("content").select_related("account").order_by("pk")
        since = _instant(options["since"]) if options["since"] else None
        if options["calendar"]:
            found = Calendar.objects.none()
            for name in options["calendar"]:
                found |= _named(calendars, name)
        elif options["all"] or since is not None:
            found = calendars.active()
        else:
            found = calendars.due(now())
        if since is not None:
            found = found.filter(Q(synced_at__isnull=True) | Q(synced_at__lt=since))
        return list(found)

    def _tell(self, calendar: Calendar, report: SyncReport) -> bool:
        match report.outcome:
            case Outcome.SYNCED:
                skipped = f", {report.skipped} skipped" if report.skipped else ""
                said = f"{report.added} added, {report.changed} changed, {report.removed} removed"
                self._say(calendar, f"{said}{skipped}")
            case Outcome.UNCHANGED:
                self._say(calendar, "unchanged")
            case Outcome.BUSY:
                self._say(calendar, "is being read by another process")
            case Outcome.FAILED:
                self._complain(calendar, report.problem)
                return False
        self._add(calendar, (report.problem, *report.notes))
        return True

    def _show(self, calendar: Calendar, previewed: Previewed) -> bool:
        if isinstance(previewed, FeedError):
            self._complain(calendar, previewed.message)
            return False
        update, notes = previewed
        difference = update.difference
        counts = f"{len(difference.added)} to add, {len(difference.changed)} to change"
        self._say(calendar, f"{counts}, {len(difference.removed)} to remove")
        for line in difference.lines():
            self.stdout.write(f"  {line}")
        self._add(calendar, (update.problem, *notes))
        return True

    def _add(self, calendar: Calendar, sentences: tuple[str, ...]) -> None:
        for sentence in filter(None, sentences):
            self._complain(calendar, sentence)

    def _say(self, calendar: Calendar, text: str) -> None:
        self.stdout.write(f"{calendar.pk} {calendar.name}: {text}")

    def _complain(self, calendar: Calendar, text: str) -> None:
        self.stderr.write(f"{calendar.pk} {calendar.name}: {text}")


def _sync(calendar: Calendar) -> SyncReport:
    return sync(calendar, at=now())


def _preview(calendar: Calendar) -> Previewed:
    try:
        return preview(calendar, at=now())
    except FeedError as error:
        return error


def _named(calendars: CalendarQuerySet, name: str) -> CalendarQuerySet:
    """Return the calendar with this id, or else with this name. Raises ``CommandError``."""
    by_id = (
        calendars.filter(pk=int(name))
        if name.isascii() and name.isdigit() and len(name) < _ID_DIGITS
        else None
    )
    if by_id is not None and by_id.exists():
        return by_id
    found = calendars.filter(name=name)
    pks = [str(pk) for pk in found.values_list("pk", flat=True)]
    if not pks:
        msg = f"There is no calendar {name}."
        raise CommandError(msg, returncode=USAGE)
    if len(pks) > 1:
        msg = f"Several calendars are called {name}; choose by number: {', '.join(pks)}."
        raise CommandError(msg, returncode=USAGE)
    return found


def _instant(text: str) -> datetime:
    """Return the instant of --since. Raises ``CommandError``."""
    if span := _SPAN.fullmatch(text.strip()):
        return now() - timedelta(**{_UNITS[span[2].lower()]: int(span[1])})
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        msg = f"“{text}” is not a time: write 2h, 30m, 1d or 2026-11-20T12:00."
        raise CommandError(msg, returncode=USAGE) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
