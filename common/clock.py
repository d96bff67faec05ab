"""The time, asked for in one place.

Every instant in the project is an aware ``datetime`` in UTC; a time zone is applied only where a
person reads or types a time.

What is due, leased or expired is decided by the database's clock, which all machines share. It is
read at defined moments (``synchronise``); between them it is carried on by a clock of the machine
that counts from its start and is never set, so that a step of the machine's own clock changes
nothing. SQLite has no clock of its own, and is used by one machine: there it is that machine's clock.
"""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from django.conf import settings
from django.db import Error, connection

EVERY: Final = 5_000_000_000
"""In nanoseconds: a reading that is younger is not repeated."""
DRIFT: Final = 10_000
"""A crystal is wrong by one part in so many at most: 100 ppm (NTP allows 500 for a bad one)."""
_STATEMENTS: Final = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT UTC_TIMESTAMP(6)"}
_BOOT_TIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the database's clock gave. All times are in nanoseconds."""

    taken_at: int
    """By the steady clock, half-way between the question and the answer."""
    offset: int
    """The database's time since 1970, less the steady clock's."""
    error: int
    """The offset is wrong by no more: half of the round trip."""

    def error_at(self, instant: int) -> int:
        """Return how wrong it may be at a later instant of the steady clock."""
        return self.error + abs(instant - self.taken_at) // DRIFT

    def or_better(self, new: "Reading") -> "Reading":
        """Return the more exact of this reading and a newer one.

        Where both can't be right, one of the clocks was set, and the newer one counts.
        """
        error = self.error_at(new.taken_at)
        is_set = abs(new.offset - self.offset) > new.error + error
        return new if is_set or new.error <= error else self


_lock: Final = Lock()
# A child that is forked while a thread reads would wait for ever for a reading that no thread of its own does.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_reading: Reading | None = None
_tried_at = 0
_skew: timedelta | None = None


def now() -> datetime:
    """Return the present instant, aware, in UTC: the database's, as it was read last."""
    reading = _reading
    if reading is None:
        return datetime.now(UTC)
    return _EPOCH + timedelta(microseconds=(reading.offset + steady()) // 1000)


def skew() -> timedelta | None:
    """Return how far this machine's clock was ahead of the database's at the last reading, if there was one."""
    return _skew


def synchronise() -> bool:
    """Read the database's clock, unless that was done within the last seconds; return whether it was read.

    To be called when a piece of work begins: a wake-up, a task, a request, a command. Does nothing
    inside of a transaction, where a failing query would do harm. An error of the database is raised
    only where there is no earlier reading to go on with.
    """
    if settings.NOTICE_CLOCK != "database" or connection.vendor not in _STATEMENTS or _is_fresh():
        return False
    # The first reading is waited for: until then there is no time to go by.
    if connection.in_atomic_block or not _lock.acquire(blocking=_reading is None):
        return False
    try:
        return not _is_fresh() and _synchronise()
    finally:
        _lock.release()


def forget() -> None:
    """Forget what was read: ``now`` is the machine's time until the next reading."""
    global _reading, _skew, _tried_at
    _reading, _skew, _tried_at = None, None, 0


def _is_fresh() -> bool:
    return _reading is not None and steady() - _tried_at < EVERY


def _synchronise() -> bool:
    global _reading, _skew, _tried_at  # noqa: PLW0603 - one clock for the whole process
    _tried_at = steady()
    try:
        new, machine = _read()
    except Error:
        if _reading is None:
            raise
        return False
    _reading = _reading.or_better(new) if _reading is not None else new
    _skew = timedelta(microseconds=(machine - new.offset - new.taken_at) // 1000)
    return True


def _read() -> tuple[Reading, int]:
    """Ask the database for its time; return the reading, and this machine's time since 1970 at that instant."""
    with connection.cursor() as cursor:  # it is connected by now: that would count as round trip
        machine, asked_at = time.time_ns(), steady()
        cursor.execute(_STATEMENTS[connection.vendor])
        (at,) = cursor.fetchone()
        answered_at = steady()
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    middle = (asked_at + answered_at) // 2
    database = (at - _EPOCH) // _MICROSECOND * 1000
    error = (answered_at - asked_at) // 2 + 1000  # it answers in whole microseconds
    return Reading(middle, database - middle, error), machine + middle - asked_at


def steady() -> int:
    """Return nanoseconds of a clock that is never set and that goes on while the machine sleeps, if it has one."""
    return time.monotonic_ns() if _BOOT_TIME is None else time.clock_gettime_ns(_BOOT_TIME)
