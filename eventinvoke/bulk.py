"""Writing many rows at once, each with values of its own, by the fastest way a database has.

PostgreSQL takes arrays (one UPDATE … FROM unnest) and COPY; SQLite and MariaDB prepare one
statement and run it for each row.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection, models

from common.arrays import literal

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": None})


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows with values for ``columns``, which must be all that the model has.

    The values go to the database as they are (no field prepares them): numbers, texts, instants
    and UUIDs. Must be called inside a transaction.
    """
    if not rows:
        return
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create([model(**dict(zip(columns, row, strict=True))) for row in rows])
        return
    names = ", ".join(f'"{_field(model, name).column}"' for name in columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN') as copy,
    ):
        copy.write("".join(map(_line, rows)))


def _line(row: Sequence[Any]) -> str:
    """Return a row in COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html)."""
    return "\t".join([_copied(value) for value in row]) + "\n"


def _copied(value: Any) -> str:
    if value is None:
        return r"\N"
    if not isinstance(value, str):
        return str(value)
    return value.translate(_ESCAPES) if value else value


def update(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], **only_where: Any
) -> None:
    """Set ``columns`` of the rows of ``model``: each of ``rows`` is a key and a value a column.

    Only rows that still have the values of ``only_where`` are changed. The rows are sorted by
    key, or two workers would lock the same ones in different orders and wait for each other.
    """
    ordered = sorted(rows, key=lambda row: row[0])
    if not ordered:
        return
    fields = [model._meta.pk, *(_field(model, name) for name in columns)]
    guards = [_field(model, name) for name in only_where]
    guard_values = [_prepared(field, value) for field, value in zip(guards, only_where.values(), strict=True)]
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = [connection.ops.quote_name(str(field.column)) for field in fields]
    guard = "".join(f" AND {table}.{connection.ops.quote_name(str(field.column))} = %s" for field in guards)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            types = [str(field.rel_db_type(connection)) for field in fields]
            arrays = ", ".join(f"%s::{kind}[]" for kind in types)
            names = ", ".join(f"c{index}" for index in range(len(fields)))
            settings = ", ".join(f"{name} = r.c{index}" for index, name in enumerate(quoted) if index)
            statement = f"UPDATE {table} SET {settings} FROM unnest({arrays}) AS r({names}) WHERE {table}.{quoted[0]} = r.c0{guard}"
            cursor.execute(
                statement, [*(literal(column) for column in zip(*ordered, strict=True)), *guard_values]
            )
        else:
            settings = ", ".join(f"{name} = %s" for name in quoted[1:])
            statement = f"UPDATE {table} SET {settings} WHERE {quoted[0]} = %s{guard}"
            prepared = [
                [_prepared(field, value) for field, value in zip(fields, row, strict=True)] for row in ordered
            ]
            cursor.executemany(statement, [[*row[1:], row[0], *guard_values] for row in prepared])


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def _prepared(field: "models.Field[Any, Any]", value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
