"""The time, asked for in one place.

Every instant in the project is an aware ``datetime`` in UTC; a time zone is applied only where a
person reads or types a time.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)
