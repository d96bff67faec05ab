"""The database: its tables, and its time against this machine's."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from common import clock
from eventinvoke.sending.heartbeats import LARGE
from pfs_notice.doctor.findings import Finding, Level

_PART: Final = "database"


def examine() -> Iterator[Finding]:
    """Yield what is found. Raises the database's error where it does not answer."""
    connection.ensure_connection()
    version = ".".join(map(str, connection.get_database_version()))
    clock.forget()
    clock.synchronise()
    yield _time(f"{connection.display_name} {version}", clock.skew())
    executor = MigrationExecutor(connection)
    lacking = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if lacking:
        text = f"{len(lacking)} changes of its tables are missing, the first is {lacking[0][0]}."
        yield Finding(_PART, Level.WRONG, text, "Run `manage.py migrate`, then restart all processes.")


def _time(name: str, skew: timedelta | None) -> Finding:
    if skew is None:
        return Finding(_PART, Level.OK, f"{name}, by this machine's clock.")
    text = f"{name}. This machine's clock is {skew.total_seconds():+.1f} s off its time."
    if abs(skew) <= LARGE:
        return Finding(_PART, Level.OK, text)
    return Finding(
        _PART, Level.WRONG, text, "Notices go by the database's time. Set both machines' clocks by NTP."
    )
