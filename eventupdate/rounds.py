"""Rounds: many calendars synced, several at once, so that a slow one never delays the others."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final, TypeVar

from django.db import connection

from registration.models import Calendar

T = TypeVar("T")

AT_ONCE: Final = 8
"""So many calendars are read at once: most of the time is spent waiting for their servers."""


def in_parallel(calendars: Iterable[Calendar], work: Callable[[Calendar], T]) -> Iterator[tuple[Calendar, T]]:
    """Do some work for each calendar; yield each with its result as soon as it is there.

    A single one is worked on in this thread. An exception of the work is raised here.
    """
    listed = list(calendars)
    if len(listed) <= 1:
        yield from ((calendar, work(calendar)) for calendar in listed)
        return

    def one(calendar: Calendar) -> T:
        try:
            return work(calendar)
        finally:
            connection.close()  # each thread has its own

    with ThreadPoolExecutor(min(AT_ONCE, len(listed)), thread_name_prefix="calendar") as pool:
        futures = {pool.submit(one, calendar): calendar for calendar in listed}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
