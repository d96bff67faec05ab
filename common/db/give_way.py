"""Give way to other writers between the transactions of long work.

SQLite lets in one writer at a time and keeps no queue: a writer that waits looks again after 100 ms at most
(``sqliteDefaultBusyCallback``), and never finds the database free when another begins its next
transaction at once. PostgreSQL, MariaDB and MySQL queue those that wait for a row.
"""

import time
from typing import Final

from django.db import connection

PAUSE: Final = 0.11
"""Seconds: longer than a waiting writer sleeps."""


def give_way() -> None:
    """Pause, on SQLite, unless the caller is in a transaction, which a pause would only prolong."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(PAUSE)
