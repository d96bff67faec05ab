"""Lookups that Django lacks.

``filter(pk__any_of=keys)`` is for long lists of keys: ``__in`` writes one placeholder a key, which for
hundreds of keys costs more to parse than the query to run. PostgreSQL takes them as one array; elsewhere
this is ``__in``.

``filter(holds("title", words))`` finds words however they are written. ``__icontains`` alone does not where
MariaDB's tables tell upper and lower case apart.
"""

from typing import Any

from django.db.models import CharField, Field, Q
from django.db.models.functions import Lower
from django.db.models.lookups import In

from common.db.arrays import literal

CharField.register_lookup(Lower)


def holds(column: str, words: str) -> Q:
    """Return the condition that a column holds these words, whether in capitals or not.

    SQLite knows the capitals of English alone; words in others are found there as they are written.
    """
    return Q((f"{column}__lower__contains", words.lower())) | Q((f"{column}__icontains", words))


@Field.register_lookup
class AnyOf(In):
    """The column is one of the given values; they are given directly, not as a query."""

    lookup_name = "any_of"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Compare with one array."""
        left, parameters = self.process_lhs(compiler, connection)
        field = self.lhs.output_field
        return f"{left} = ANY(%s::{field.rel_db_type(connection)}[])", [*parameters, literal(self.rhs)]
