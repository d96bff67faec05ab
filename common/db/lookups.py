"""Lookups that Django lacks.

``filter(pk__any_of=keys)`` is for long lists of keys: ``__in`` writes one placeholder a key, which for
hundreds of keys costs more to parse than the query to run. PostgreSQL takes them as one array; elsewhere
this is ``__in``.

``filter(holds("title", words))`` is a search without regard to case. ``__icontains`` alone is case-sensitive
in MariaDB tables with a binary collation.
"""

from typing import Any

from django.db.models import CharField, Field, Q
from django.db.models.functions import Lower
from django.db.models.lookups import In

from common.db.arrays import literal

CharField.register_lookup(Lower)


def holds(column: str, words: str) -> Q:
    """Return the condition that a column contains these words, without regard to case.

    SQLite folds the case of ASCII letters only; other letters have to match exactly there.
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
