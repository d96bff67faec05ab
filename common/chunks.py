"""Any iterable in lists of a size."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield ``items`` in lists of ``size``, the last one shorter; reads no further than the list it yields.

    Raises ``ValueError`` for a size below one. (``itertools.batched`` is of Python 3.12.)
    """
    if size < 1:
        msg = f"a chunk has at least one item, not {size}"
        raise ValueError(msg)
    return _chunks(iter(items), size)


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(items, size)):
        yield some
