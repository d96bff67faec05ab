"""Which deliveries the lines of the log concern that a thread writes now; ``LOG_FORMAT=json`` shows their ids."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_MOST: Final = 100
"""So many ids are kept: a batch has thousands."""

_concerned: ContextVar[tuple[int, ...]] = ContextVar("concerned", default=())


def concerned() -> tuple[int, ...]:
    """Return the ids of the deliveries."""
    return _concerned.get()


def note(deliveries: Iterable[int]) -> None:
    """Say what the following lines of this request or task concern, until its end (``forget``)."""
    _concerned.set(tuple(deliveries)[:_MOST])


def forget() -> None:
    """Say that the following lines concern no delivery, as at the beginning of a request or a task."""
    _concerned.set(())


@contextmanager
def about(deliveries: Iterable[int]) -> Iterator[None]:
    """Say what the lines concern that are written in this block."""
    token = _concerned.set(tuple(deliveries)[:_MOST])
    try:
        yield
    finally:
        _concerned.reset(token)
