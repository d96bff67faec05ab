"""Doing something again that the database broke off.

Two transactions that wait for each other are a matter of luck, not of fault: the database ends one
of them, which is as if it had never begun. A worker comes back anyway; a person who pressed a key
does not.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

TIMES: Final = 3


def retry_transaction(work: Callable[P, R]) -> Callable[P, R]:
    """Do ``work`` up to ``TIMES`` times, unless it is part of a transaction of the caller's.

    ``work`` is a transaction, so that what was broken off has left nothing behind.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        for _time in range(TIMES - 1):
            try:
                return work(*args, **kwargs)
            except OperationalError:
                if connection.in_atomic_block:
                    raise
                connection.close_if_unusable_or_obsolete()
        return work(*args, **kwargs)

    return repeated
