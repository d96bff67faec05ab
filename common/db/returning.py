"""RETURNING, and what takes its place in MySQL, which alone of the supported databases has none.

There the rows are read by another query of the same transaction, before which no other transaction can change them.
Columns and tables are given quoted.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.sql import DeleteQuery

Rows = list[tuple[Any, ...]]


def has_returning() -> bool:
    """Say whether INSERT and DELETE have RETURNING (Django goes by ``connection.mysql_is_mariadb``)."""
    return bool(connection.features.can_return_columns_from_insert)


def clause(columns: str) -> str:
    """Return the end of a statement, after whose execution ``inserted`` gives these columns."""
    return f" RETURNING {columns}" if columns and has_returning() else ""


def inserted(cursor: CursorWrapper, table: str, primary: str, columns: str) -> Rows:
    """Return columns of the rows that the last statement inserted.

    Without RETURNING it has to be one INSERT [IGNORE] … VALUES, for which the server reports how many rows it inserted and
    the first one's number. It numbers them in one go: numbers in between may be unused, but none is another
    transaction's ("simple inserts", https://dev.mysql.com/doc/refman/8.4/en/innodb-auto-increment-handling.html).
    """
    if not has_returning():
        count, first = cursor.rowcount, cursor.lastrowid
        found = f"SELECT {columns} FROM {table} WHERE {primary} >= %s ORDER BY {primary} LIMIT {count}"
        cursor.execute(found, [first])
    return list(cursor.fetchall())


def written(table: str, key: str, columns: str, keys: Sequence[Sequence[Any]]) -> Rows:
    """Return columns of the rows with these values of the ``key`` columns, which this transaction has locked."""
    place = "(" + ", ".join(["%s"] * len(keys[0])) + ")"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {table} WHERE ({key}) IN ({', '.join([place] * len(keys))})",
            [value for one in keys for value in one],
        )
        return list(cursor.fetchall())


def deleted(model: type[models.Model], keys: Collection[Any], columns: Sequence[str]) -> Rows:
    """Delete rows by their primary keys; return columns of those that there were. Nothing cascades."""
    with transaction.atomic():
        rows = model._default_manager.select_for_update().filter(pk__in=keys)
        found = list(rows.values_list(*columns, "pk"))
        DeleteQuery(model).delete_batch([row[-1] for row in found], connection.alias)
    return [row[:-1] for row in found]
