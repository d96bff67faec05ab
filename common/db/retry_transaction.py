"""Retry a transaction that is a deadlock victim, waited too long for a lock, or lost its connection.

The database rolls back one of two transactions that wait for each other; MariaDB and MySQL break off what waits
for a lock for 50 s (``innodb_lock_wait_timeout``). The work of a worker is
picked up again by the next wake-up; a person's key press or a callback is not, so it is retried here.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

TIMES: Final = 3


def retry_transaction(work: Callable[P, R]) -> Callable[P, R]:
    """Do ``work`` up to ``TIMES`` times, unless it is part of a transaction of the caller's.

    ``work`` has to be one transaction, so that a failed try leaves nothing behind.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        for _time in range(TIMES - 1):
            try:
                return work(*args, **kwargs)
            except (OperationalError, InterfaceError):
                if connection.in_atomic_block:
                    raise
                connection.close_if_unusable_or_obsolete()
        return work(*args, **kwargs)

    return repeated


def trust_connection() -> None:
    """Use this request's connection without asking the database first whether it still works.

    For requests whose first statement is part of a ``retry_transaction``, which finds that out and connects again.
    """
    connection.health_check_done = True  # type: ignore[attr-defined] # Django has it, its types do not
