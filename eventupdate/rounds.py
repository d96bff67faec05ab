"""Syncing many calendars concurrently, so that a slow one does not delay the others."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final, TypeVar

from django.db import connection

from registration.models import Calendar

T = TypeVar("T")

AT_ONCE: Final = 8
"""Concurrent readings; most of their time is spent waiting for servers."""


def in_parallel(calendars: Iterable[Calendar], work: Callable[[Calendar], T]) -> Iterator[tuple[Calendar, T]]:
    """Do ``work`` for each calendar; yield each with its result as soon as that is known.

    A single calendar is worked on in this thread. Exceptions of ``work`` are raised here.
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
