"""Arrays for PostgreSQL, written as its own literals: ``{1,2,3}``.

A driver adapts each element of a list by itself, which for the thousands of keys of a batch costs
more than the query. Elements are numbers, UUIDs, instants, days, texts and None.
See https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID


def literal(values: Iterable[object]) -> str:
    """Return an array's literal, to be passed as a parameter and cast (``%s::bigint[]``)."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        # Texts are always quoted, or one that reads NULL or holds a comma would be misread.
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "")
        return f'"{escaped}"'
    if value is None:
        return "NULL"
    if isinstance(value, date):  # and datetime
        return f'"{value.isoformat()}"'
    if isinstance(value, int | float | UUID):
        return str(value)
    msg = f"{type(value).__name__} can't be written into an array"
    raise TypeError(msg)
