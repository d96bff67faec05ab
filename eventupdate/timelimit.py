"""A time limit for calculations that a hostile or broken feed can make endless.

A recurrence rule without occurrences ("every second of 30 February") keeps dateutil busy for hours
inside one call. A guard thread measures each piece of work and raises an exception inside the working
thread (CPython's ``PyThreadState_SetAsyncExc``).
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Final, Self

_LOOK_EVERY: Final = 0.05


def _clock(thread_id: int) -> Callable[[], float]:
    """Return a clock of a thread's processor time, so that a busy machine does not shorten the limit.

    Without one (it needs POSIX) return the monotonic clock.
    """
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    return partial(time.clock_gettime, time.pthread_getcpuclockid(thread_id))


class TooLong(BaseException):
    """A piece of work exceeded its time. Not an ``Exception``, as libraries catch those."""


class TimeLimit:
    """Limits pieces of work of the thread that created it; use it as a context manager."""

    def __init__(self, seconds: float) -> None:
        """Allow each piece of work ``seconds`` of processor time."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._thread_id = threading.get_ident()
        self._now = _clock(self._thread_id)
        self._until: float | None = None
        self._has_fired = False
        self._ended = threading.Event()
        self._guard = threading.Thread(target=self._watch, name="time-limit", daemon=True)

    def __enter__(self) -> Self:
        self._guard.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._guard.join()

    @contextmanager
    def piece(self) -> Iterator[None]:
        """Limit the enclosed work: ``TooLong`` is raised inside it when its time is over."""
        with self._lock:
            self._has_fired = False
            self._until = self._now() + self._seconds
        try:
            yield
        finally:
            self._close()

    def _close(self) -> None:
        """End the piece; a pending exception must not be raised in later code."""
        while True:
            try:
                with self._lock:
                    self._until = None
                    has_fired = self._has_fired
                if has_fired:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), None)
            except TooLong:
                continue
            return

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            with self._lock:
                if self._until is not None and self._now() > self._until:
                    self._has_fired = True
                    # Again after a second, in case it was lost (in a destructor, for example).
                    self._until = self._now() + 1
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread_id), ctypes.py_object(TooLong)
                    )
