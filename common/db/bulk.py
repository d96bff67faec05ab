"""Bulk writes: many rows at once, each with its own values, by the fastest way of each database.

PostgreSQL takes arrays (INSERT or UPDATE … FROM unnest) and COPY; MariaDB and MySQL take a list of rows, and
join one to what they update; SQLite prepares one statement and runs it for each row.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from django.db import connection, models

from common.chunks import chunks
from common.db import returning as back
from common.db.arrays import literal
from common.db.prepared import executed

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": None})
_PARAMETERS: Final = 30_000
"""SQLite takes at most 32,766 parameters a statement (https://www.sqlite.org/limits.html)."""
_JOINED: Final = 500
"""Rows that one statement joins to a table in MariaDB and MySQL, at most."""
_IGNORING: Final = {
    "postgresql": ("INSERT", " ON CONFLICT DO NOTHING"),
    "sqlite": ("INSERT", " ON CONFLICT DO NOTHING"),
    "mysql": ("INSERT IGNORE", ""),
}

Row = Sequence[Any]
Fields = Sequence["models.Field[Any, Any]"]


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], **same: Any) -> None:
    """Insert rows with values for ``columns``, and with the ``same`` values in all of them.

    Columns that may be null can be left out.

    The values go to the database as they are (no field prepares them): numbers, texts, instants
    and UUIDs. Must be called inside a transaction.
    """
    if not rows:
        return
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(
            [model(**dict(zip(columns, row, strict=True)), **same) for row in rows]
        )
        return
    names = ", ".join(f'"{_field(model, name).column}"' for name in (*columns, *same))
    ending = "".join(f"\t{_copied(value)}" for value in same.values()) + "\n"
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN') as copy,
    ):
        copy.write("".join(["\t".join(map(_copied, row)) + ending for row in rows]))


def _copied(value: Any) -> str:
    """Return a value in COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html)."""
    if value is None:
        return r"\N"
    if not isinstance(value, str):
        return str(value)
    return value.translate(_ESCAPES) if value else value


def insert_missing(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], returning: Sequence[str] = ()
) -> list[tuple[Any, ...]]:
    """Insert rows but for those that a unique constraint refuses; return ``returning`` of the inserted.

    Columns that are left out get the model's defaults. To return something, the database has to number the rows.
    """
    return _insert(model, columns, rows, _IGNORING[connection.vendor], returning)


def insert_one(
    model: type[models.Model], values: Mapping[str, Any], source: str = "", parameters: Row = ()
) -> bool:
    """Insert a row unless a unique constraint refuses it; return whether it was inserted. One prepared statement.

    With a ``source``, what follows FROM in a query that finds one row at most, it is inserted where that finds one.
    All columns have to be given that are neither the key nor have a default in the database.
    """
    fields = [_field(model, name) for name in values]
    verb, on_conflict = _IGNORING[connection.vendor]
    names = ", ".join(map(_quoted, fields))
    is_typed = connection.vendor == "postgresql"
    places = ", ".join(f"%s::{field.rel_db_type(connection)}" if is_typed else "%s" for field in fields)
    rows = f"SELECT {places} FROM {source}" if source else f"VALUES ({places})"
    table = connection.ops.quote_name(model._meta.db_table)
    prepared = _prepared_row(fields, list(values.values()))
    with executed(f"{verb} INTO {table} ({names}) {rows}{on_conflict}", [*prepared, *parameters]) as cursor:
        return bool(cursor.rowcount > 0)


def upsert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], key: Sequence[str]
) -> None:
    """Insert rows, or set the columns of those that exist: ``key`` names the columns of a unique constraint.

    No two rows may have the same key. Columns that are left out get the model's defaults, in new rows only.
    """
    others = [_quoted(_field(model, name)) for name in columns if name not in key]
    _insert(model, columns, rows, ("INSERT", _on_conflict(model, key, dict.fromkeys(others, "{new}"))))


def add(
    model: type[models.Model], key: Sequence[str], counter: str, rows: Sequence[Row]
) -> list[tuple[Any, ...]]:
    """Add to counters; return the key and the sum of each. Counters that are missing are made.

    Each of ``rows`` is a key and a number; no two have the same key. Must be called inside a transaction, which keeps
    the counters locked.
    """
    columns, name = (*key, counter), _quoted(_field(model, counter))
    manner = ("INSERT", _on_conflict(model, key, {name: f"{_table(model)}.{name} + {{new}}"}))
    if back.has_returning():
        return _insert(model, columns, rows, manner, returning=columns)
    _insert(model, columns, rows, manner)
    fields = [_field(model, name) for name in key]
    keys = [_prepared_row(fields, row[:-1]) for row in rows]
    return back.written(_table(model), _listed(model, key), _listed(model, columns), keys)


def take(model: type[models.Model], keys: Collection[Any], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Delete rows by their primary keys; return ``columns`` of those that there were. Nothing cascades.

    The values are as the database gives them: a UUID may be a text.
    """
    if not keys:
        return []
    if not back.has_returning():
        return back.deleted(model, keys, columns)
    primary, values = _primary(model), list(keys)
    condition = f"IN ({', '.join(['%s'] * len(values))})"
    if connection.vendor == "postgresql":
        condition, values = f"= ANY(%s::{primary.rel_db_type(connection)}[])", [literal(keys)]
    statement = f"DELETE FROM {_table(model)} WHERE {_quoted(primary)} {condition}"
    with connection.cursor() as cursor:
        cursor.execute(statement + back.clause(_listed(model, columns)), values)
        return list(cursor.fetchall())


def _insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Row],
    manner: tuple[str, str],
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert rows by a verb, and with an ending that says what a conflict does."""
    if not rows:
        return []
    verb, on_conflict = manner
    fields = [_field(model, name) for name in columns]
    rest = [f for f in model._meta.concrete_fields if f not in fields and not f.primary_key]
    constants = [_prepared(field, field.get_default()) for field in rest]
    into = f"INTO {_table(model)} ({', '.join(map(_quoted, (*fields, *rest)))})"
    wanted = _listed(model, returning)
    ending = on_conflict + back.clause(wanted)
    if connection.vendor == "postgresql":
        selected = ", ".join([f"c{index}" for index in range(len(fields))] + ["%s"] * len(rest))
        arrays, values = _unnested(fields, rows)
        statements = [(f"INSERT {into} SELECT {selected} FROM {arrays}{ending}", [*constants, *values])]
    else:
        place = "(" + ", ".join(["%s"] * (len(fields) + len(rest))) + ")"
        statements = [
            (
                f"{verb} {into} VALUES {', '.join([place] * len(some))}{ending}",
                [value for row in some for value in (*_prepared_row(fields, row), *constants)],
            )
            for some in chunks(rows, _PARAMETERS // (len(fields) + len(rest)))
        ]
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)
            if returning:
                found += back.inserted(cursor, _table(model), _quoted(_primary(model)), wanted)
    return found


def _on_conflict(model: type[models.Model], key: Sequence[str], settings: Mapping[str, str]) -> str:
    """Return the ending that sets columns of a row that exists, each by an expression of its ``{new}`` value."""
    begin, new = f" ON CONFLICT ({_listed(model, key)}) DO UPDATE SET ", "EXCLUDED.{}"
    if connection.vendor == "mysql":
        begin, new = " ON DUPLICATE KEY UPDATE ", "VALUES({})"
    return begin + ", ".join(f"{name} = {to.format(new=new.format(name))}" for name, to in settings.items())


def update(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row], **only_where: Any) -> None:
    """Set ``columns`` of the rows of ``model``: each of ``rows`` is a key and a value a column.

    Only rows that still have the values of ``only_where`` are changed. The rows are sorted by key, so that
    two workers lock them in the same order and do not deadlock.
    """
    ordered = sorted(rows, key=lambda row: row[0])
    if not ordered:
        return
    fields = [_primary(model), *(_field(model, name) for name in columns)]
    guards = {_field(model, name): value for name, value in only_where.items()}
    guard_values = [_prepared(field, value) for field, value in guards.items()]
    table = _table(model)
    quoted = [_quoted(field) for field in fields]
    guard = "".join(f" AND {table}.{_quoted(field)} = %s" for field in guards)
    if connection.vendor == "postgresql":
        settings = ", ".join(f"{name} = r.c{index}" for index, name in enumerate(quoted) if index)
        arrays, values = _unnested(fields, ordered)
        statement = f"UPDATE {table} SET {settings} FROM {arrays} WHERE {table}.{quoted[0]} = r.c0{guard}"
        with connection.cursor() as cursor:
            cursor.execute(statement, [*values, *guard_values])
        return
    prepared = [_prepared_row(fields, row) for row in ordered]
    if connection.vendor == "mysql":
        for some in chunks(prepared, _JOINED):
            _update_joined(table, quoted, some, guard, guard_values)
        return
    settings = ", ".join(f"{name} = %s" for name in quoted[1:])
    statement = f"UPDATE {table} SET {settings} WHERE {quoted[0]} = %s{guard}"
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[*row[1:], row[0], *guard_values] for row in prepared])


def _update_joined(
    table: str, quoted: Sequence[str], rows: Sequence[Row], guard: str, guard_values: Row
) -> None:
    """Update by a join with the rows (MariaDB, MySQL): one round trip for all rows."""
    first = ", ".join(f"%s AS c{index}" for index in range(len(quoted)))
    others = ", ".join(["%s"] * len(quoted))
    listed = " UNION ALL ".join([f"SELECT {first}", *[f"SELECT {others}"] * (len(rows) - 1)])
    settings = ", ".join(f"{table}.{name} = r.c{index}" for index, name in enumerate(quoted) if index)
    statement = (
        f"UPDATE {table} JOIN ({listed}) AS r ON {table}.{quoted[0]} = r.c0 SET {settings} WHERE TRUE{guard}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*(value for row in rows for value in row), *guard_values])


def _unnested(fields: Fields, rows: Sequence[Row]) -> tuple[str, list[str]]:
    """Return rows as PostgreSQL takes them: ``unnest(…) AS r(c0, …)``, and an array for each column."""
    columns = []
    for field, column in zip(fields, zip(*rows, strict=True), strict=True):
        is_json = isinstance(field, models.JSONField)
        columns.append(literal([json.dumps(value) for value in column] if is_json else column))
    arrays = ", ".join(f"%s::{field.rel_db_type(connection)}[]" for field in fields)
    names = ", ".join(f"c{index}" for index in range(len(fields)))
    return f"unnest({arrays}) AS r({names})", columns


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def _primary(model: type[models.Model]) -> "models.Field[Any, Any]":
    return model._meta.pk


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _listed(model: type[models.Model], columns: Sequence[str]) -> str:
    return ", ".join(_quoted(_field(model, name)) for name in columns)


def _quoted(field: "models.Field[Any, Any]") -> str:
    return connection.ops.quote_name(str(field.column))


def _prepared(field: "models.Field[Any, Any]", value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _prepared_row(fields: Fields, row: Row) -> list[Any]:
    return [_prepared(field, value) for field, value in zip(fields, row, strict=True)]
