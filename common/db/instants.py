"""Instants as PostgreSQL writes them, read by the parser that Python has in C.

Django reads each by a regular expression, which for a batch of due deliveries costs as much as the query. See
``django.db.backends.postgresql.psycopg_any.BaseTzLoader``.
"""

from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar

from django.db.backends.signals import connection_created


def read_fast() -> None:
    """Have each connection to PostgreSQL that is opened from now on read instants so."""
    connection_created.connect(_register, dispatch_uid="instants")


def _register(connection: Any, **_kwargs: object) -> None:
    if connection.vendor != "postgresql":
        return
    from psycopg.types.datetime import TimestamptzLoader  # noqa: PLC0415 - installed with PostgreSQL's driver only

    class UtcLoader(TimestamptzLoader):
        """Reads a text as ``2026-11-20 09:00:00.5+00``, and leaves what is none (before Christ) to psycopg."""

        timezone: ClassVar[tzinfo] = UTC
        """Django looks whether the connection's loader gives the zone that it wants."""

        def load(self, data: Any) -> datetime:
            """Return the instant in UTC."""
            try:
                at = datetime.fromisoformat(str(data, "ascii"))
            except ValueError:
                at = super().load(data)
            return at if at.tzinfo is UTC else at.astimezone(UTC)

    connection.connection.adapters.register_loader("timestamptz", UtcLoader)
