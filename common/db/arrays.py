"""Arrays for PostgreSQL, written as its own literals: ``{1,2,3}``.

A driver adapts each element of a list separately. For a batch with thousands of keys this costs more than
the query. Elements are numbers, UUIDs, instants, days, texts, bytes and None.
See https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID


def literal(values: Iterable[Any]) -> str:
    """Return an array's literal, to be passed as a parameter and cast (``%s::bigint[]``)."""
    given = list(values)
    kinds = set(map(type, given))
    # Columns of these types are converted as a whole, which is faster than element by element.
    if kinds == {int}:
        return "{" + ",".join(map(str, given)) + "}"
    if kinds == {datetime}:
        return '{"' + '","'.join(map(datetime.isoformat, given)) + '"}'
    if kinds == {str}:
        joined = "\0".join(given)
        if joined.count("\0") == len(given) - 1:
            return '{"' + _escaped(joined).replace("\0", '","') + '"}'
    return "{" + ",".join(map(_element, given)) + "}"


def _element(value: object) -> str:
    if isinstance(value, str):
        # Texts are always quoted: an unquoted NULL or comma has a meaning of its own.
        return '"' + _escaped(value).replace("\0", "") + '"'
    if value is None:
        return "NULL"
    if isinstance(value, date):  # and datetime
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return rf'"\\x{value.hex()}"'
    if isinstance(value, int | float | UUID):
        return str(value)
    msg = f"{type(value).__name__} can't be written into an array"
    raise TypeError(msg)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
