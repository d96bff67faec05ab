"""Writing what a sync found, in short transactions: an answer or a callback never waits for a calendar.

1. The calendar is marked as not wholly expanded (``expanded_until`` is empty). If the sync stops half
   way, this mark makes the next one read the whole source and compare it with all stored events.
2. Events are renamed, withdrawn and published; each batch is a transaction of its own.
3. Entries follow, in batches, under the lock of the calendar's row.
4. The calendar's columns come last, with the new ``expanded_until`` and the sync token.

Each step is idempotent, and the comparison starts from what is stored. So a sync that was cut off
anywhere is completed by the next one: what is written already is equal then, and is not written or told again.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from threading import Lock
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self, TypeVar

from django.db import connection

from common.chunks import chunks
from eventinvoke.models import Event
from eventinvoke.planning.publish import publish, withdraw
from eventupdate.diff import Difference
from eventupdate.lease import Lease
from eventupdate.store import Rows

T = TypeVar("T")

STEP: Final = 1_000
"""So many events or entries are written before the lease is checked again."""
_STEP_SQLITE: Final = 200
"""On SQLite others wait for the whole database, not for the calendar's row alone."""
WRITING_SECONDS: Final = 0.1
"""On SQLite syncs write about so long, then let other connections write."""
GAP_SECONDS: Final = 0.12
"""The time for other connections. One that waits for SQLite's lock tries again every 100 ms at most
(``sqliteDefaultBusyCallback``), so it gets the lock in one gap."""


def write(source: str, difference: Difference, rows: Rows, lease: Lease) -> None:
    """Write events and entries; the caller then ends the lease with the calendar's columns.

    Raises ``LostLeaseError`` as soon as the lease is lost; what is written until then stays.
    """
    if difference.is_empty and rows.is_empty:
        return
    lease.store(expanded_until=None)
    with _Pace(lease) as pace:
        for renamed in chunks(difference.renamed, _step()):
            pace.step()
            Event.objects.bulk_update(renamed, ["external_id", "series"])
        if difference.removed:
            withdraw(source, pace.over(event.external_id for event in difference.removed))
        if difference.added or difference.changed:
            # One call for all events, as each call reads the registrations.
            publish(pace.over(chain(difference.added, difference.changed)))
        for part in rows.parts(_step()):
            pace.step()
            with lease.transaction():
                part.write()


def _step() -> int:
    return min(STEP, _STEP_SQLITE) if connection.vendor == "sqlite" else STEP


class _Turn:
    """Lets one sync of this process at a time write to SQLite, with a gap after each stretch of writing.

    SQLite has one writer at a time and no queue for those that wait: without gaps a person's answer
    could wait until its time-out.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._began = self._ended = 0.0

    def take(self) -> None:
        """Wait until no other sync writes, and until a gap has followed a long stretch."""
        self._lock.acquire()
        idle = monotonic() - self._ended
        if idle < GAP_SECONDS and self._is_long():
            sleep(GAP_SECONDS - idle)
            idle = GAP_SECONDS
        if idle >= GAP_SECONDS:
            self._began = monotonic()

    def give_back(self) -> None:
        """Let another sync write."""
        self._ended = monotonic()
        self._lock.release()

    def pass_on(self) -> None:
        """Give the turn back after a long stretch, and take it again."""
        if self._is_long():
            self.give_back()
            sleep(0.001)  # a thread that waits for the lock gets it before this one asks again
            self.take()

    def _is_long(self) -> bool:
        return monotonic() - self._began > WRITING_SECONDS


_turn = _Turn()


class _Pace:
    """Stops between batches: to check the lease, and on SQLite to let others write."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._turn = _turn if connection.vendor == "sqlite" else None

    def __enter__(self) -> Self:
        if self._turn:
            self._turn.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._turn:
            self._turn.give_back()

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items, with a stop before every ``_step()`` of them.

        ``publish`` and ``withdraw`` read their batches from it between two transactions.
        """
        for some in chunks(items, _step()):
            self.step()
            yield from some

    def step(self) -> None:
        """Stop, outside of any transaction. Raises ``LostLeaseError``."""
        if self._turn:
            self._turn.pass_on()
        self._lease.check()
