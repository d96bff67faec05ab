"""How long an answer waits for the database during the first sync of a large calendar; prints a line of JSON.

``CALENDAR`` syncs that calendar; without an argument an empty database is prepared first, and
``FEED_URL`` in the environment is synced. A second connection does what an acknowledgement does: it locks the
newest event of the calendar and writes a row of its own, 20 ms after the one before.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Final

import django

PAUSE_SECONDS: Final = 0.02


class Answering(Thread):
    """Writes until it is stopped, and measures each transaction."""

    def __init__(self, source: str) -> None:
        """Lock events of ``source``."""
        super().__init__()
        self._source = source
        self._stopped = Event()
        self.waits: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        """Write again and again."""
        from django.db import Error, connection, transaction  # noqa: PLC0415 - after the set-up

        from eventinvoke.models import Event as Row  # noqa: PLC0415

        own = Row.objects.get(source="benchmark").pk
        while not self._stopped.wait(PAUSE_SECONDS):
            newest = Row.objects.filter(source=self._source).order_by("-pk").values_list("pk")[:1]
            pks = [pk for (pk,) in newest]
            began = time.monotonic()
            try:
                with transaction.atomic():
                    list(Row.objects.select_for_update().filter(pk__in=pks).values_list("pk"))
                    Row.objects.filter(pk=own).update(updated_at=datetime.now(UTC))
            except Error as error:
                self.errors.append(str(error))
            self.waits.append(time.monotonic() - began)
        connection.close()

    def stop(self) -> None:
        """End after the current transaction."""
        self._stopped.set()
        self.join()


def measure(pk: int) -> dict[str, Any]:
    """Sync a calendar while another thread writes."""
    from eventinvoke.planning.publish import EventDraft, publish  # noqa: PLC0415
    from eventupdate.sync import sync  # noqa: PLC0415
    from registration.models import Calendar  # noqa: PLC0415

    calendar = Calendar.objects.get(pk=pk)
    publish([EventDraft("benchmark", "own", "An event that is answered", datetime.now(UTC))])
    answering = Answering(calendar.source)
    answering.start()
    began = time.monotonic()
    try:
        report = sync(calendar, at=datetime.now(UTC))
    finally:
        seconds = time.monotonic() - began
        answering.stop()
    waits = sorted(answering.waits)
    return {
        "outcome": str(report.outcome),
        "events": report.added,
        "seconds": round(seconds, 2),
        "answers": len(waits),
        "errors": answering.errors,
        "p50": round(waits[len(waits) // 2], 3),
        "p99": round(waits[int(len(waits) * 0.99)], 3),
        "max": round(waits[-1], 3),
    }


def main(arguments: list[str]) -> None:
    """Prepare the database if no calendar is named, and measure."""
    django.setup()
    if not arguments:
        from django.core.management import call_command  # noqa: PLC0415

        from benchmarks.calendars import seed  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        arguments = [str(seed(os.environ["FEED_URL"]))]
    print(json.dumps(measure(int(arguments[0]))))


if __name__ == "__main__":
    main(sys.argv[1:])
