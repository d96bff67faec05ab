"""Statements that are made once and run often, for requests that come many times a second.

Django compiles a query whenever it is run, and PostgreSQL plans it. For one row with what it refers to this
costs several times as much as reading it. Here the query is compiled once in each process, and PostgreSQL keeps its
plan, once in each connection (https://www.psycopg.org/psycopg3/docs/advanced/prepare.html).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

from django.db import connection, models
from django.db.models import Expression
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)


class Given(Expression):
    """Stands for a value in a query that is compiled before the value is known."""

    def __init__(self, field: "models.Field[Any, Any]") -> None:
        """Stand for a value of such a field."""
        super().__init__(output_field=field)

    def as_sql(self, _compiler: Any, _connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return a placeholder with this in the place of a value."""
        return "%s", (self,)

    def prepared(self, value: Any) -> Any:
        """Return a value as the database takes it."""
        return self.output_field.get_db_prep_value(value, connection)


@contextmanager
def executed(statement: str, values: Sequence[Any]) -> Iterator[Any]:
    """Run a statement, prepared where PostgreSQL may keep it, and give its cursor.

    Whether it may, the option ``prepare_threshold`` of the database says.
    """
    connection.ensure_connection()
    may_prepare = connection.vendor == "postgresql" and connection.connection.prepare_threshold is not None
    if not may_prepare or connection.queries_logged:  # Django's log can't show what a prepared one asked
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            yield cursor
        return
    from psycopg import Cursor  # noqa: PLC0415 - installed with PostgreSQL's driver only

    with connection.make_cursor(cast("Any", Cursor(connection.connection))) as cursor:
        cursor.execute(statement, values)
        yield cursor


class Row(Generic[M]):
    """One row of a model by one value, with what is read along: ``select_related``, ``only`` and annotations."""

    def __init__(
        self, make: "Callable[[Given], models.QuerySet[M]]", field: "models.Field[Any, Any]"
    ) -> None:
        """Read by a query that ``make`` returns, in which ``Given`` stands for a value of a field."""
        self._make, self._field = make, field
        self._compiled: _Compiled | None = None

    def get(self, value: Any) -> M | None:
        """Return the row for a value, None where there is none."""
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _Compiled(self._make(Given(self._field)))
        return cast("M | None", compiled.get(value))


class _Compiled:
    """A query as SQL, and how its rows become objects: what Django's own ``ModelIterable`` does at each run."""

    def __init__(self, rows: "models.QuerySet[Any]") -> None:
        compiler = rows.query.get_compiler(connection=connection)
        self._statement, self._values = compiler.as_sql()
        selected, tree = compiler.select, compiler.klass_info
        self._converters = compiler.get_converters([expression for expression, *_ in selected])
        first, last = tree["select_fields"][0], tree["select_fields"][-1] + 1
        self._own = slice(first, last)
        self._model = tree["model"]
        self._names = [one[0].target.attname for one in selected[first:last]]
        self._related = get_related_populators(tree, selected, connection.alias)  # type: ignore[call-arg] # of Django 6
        self._annotated = compiler.annotation_col_map.items()

    def get(self, value: Any) -> Any:
        """Return the row for a value, or None."""
        values = [one.prepared(value) if isinstance(one, Given) else one for one in self._values]
        with executed(self._statement, values) as cursor:
            row = cursor.fetchone()
        if row is None:
            return None
        row = list(row)
        for at, (converters, expression) in self._converters.items():
            for convert in converters:
                row[at] = convert(row[at], expression, connection)
        found = self._model.from_db(connection.alias, self._names, row[self._own])
        for related in self._related:
            related.populate(row, found)
        for name, at in self._annotated:
            setattr(found, name, row[at])
        return found
