"""What takes the place of partial indexes in MariaDB and MySQL, which have none.

Django creates an index with a condition there as one without it (and says so, models.W037), which does not find the few
rows that fulfil the condition. Here the columns of the condition come first in the index: then those rows lie together.
That serves the same queries; an index of an expression or of a generated column serves only those that repeat the
expression, and has an entry for each row too.
"""

from collections.abc import Iterator
from typing import Any, cast

from django.db.models import Field, Index, Model, Q


def columns_of(model: type[Model], index: Index) -> list[str]:
    """Return the columns of an index, those of its condition first."""
    fields = [*_names(index.condition), *index.fields]
    columns = (cast("Field[Any, Any]", model._meta.get_field(name)).column for name in fields)
    return list(dict.fromkeys(map(str, columns)))


def put_condition_first(schema_editor: Any, model: type[Model]) -> None:
    """Make each partial index of a model again, in MariaDB and MySQL; for migrations.

    Also drops what earlier migrations left: indexes named ``…_whole``, and those of foreign keys that are gone.
    """
    if schema_editor.connection.vendor != "mysql":
        return
    quote, table = schema_editor.quote_name, model._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, table)
    changes = []
    for index in model._meta.indexes:
        if index.condition is not None:
            columns = ", ".join(map(quote, columns_of(model, index)))
            changes += [f"DROP INDEX {quote(index.name)}", f"ADD INDEX {quote(index.name)} ({columns})"]
    changes += [
        f"DROP INDEX {quote(name)}"
        for name, one in found.items()
        if name.endswith("_whole") or ("_fk_" in name and one["index"] and not one["foreign_key"])
    ]
    if changes:
        schema_editor.execute(f"ALTER TABLE {quote(table)} {', '.join(changes)}")


def _names(condition: Q | None) -> Iterator[str]:
    """Yield the names of the fields in a condition."""
    for child in condition.children if condition is not None else ():
        if isinstance(child, Q):
            yield from _names(child)
        else:
            yield str(child[0]).partition("__")[0]  # type: ignore[index]
