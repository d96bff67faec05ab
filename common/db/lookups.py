"""Lookups that Django lacks.

``filter(pk__any_of=keys)`` is for long lists of keys: ``__in`` writes one placeholder a key, which for
hundreds of keys costs more to parse than the query to run. PostgreSQL takes them as one array; elsewhere
this is ``__in``.

``filter(holds("title", words))`` is a search without regard to case. ``__icontains`` alone is case-sensitive
in tables of MariaDB and MySQL with a binary collation.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Field, Q
from django.db.models.functions import Lower
from django.db.models.lookups import In

from common.db.arrays import literal

CharField.register_lookup(Lower)
_OWN_TYPES: Final[dict[str, set[type]]] = {
    "AutoField": {int},
    "BigAutoField": {int},
    "BigIntegerField": {int},
    "CharField": {str},
    "UUIDField": {UUID},
}
"""The types of values that fields leave as they are."""


def holds(column: str, words: str) -> Q:
    """Return the condition that a column contains these words, without regard to case.

    SQLite folds the case of ASCII letters only; other letters have to match exactly there.
    """
    return Q((f"{column}__lower__contains", words.lower())) | Q((f"{column}__icontains", words))


def _are_own(values: Any, field: "Field[Any, Any]") -> bool:
    """Say whether these are values of the type that a field stores as they are."""
    own = _OWN_TYPES.get(field.get_internal_type(), set())
    return isinstance(values, Collection) and set(map(type, values)) <= own


@Field.register_lookup
class AnyOf(In):
    """The column is one of the given values; they are given directly, not as a query."""

    lookup_name = "any_of"

    def get_prep_lookup(self) -> Any:
        """Return the values; with keys of the column's own type, Django's look at each of them is left out."""
        if _are_own(self.rhs, self.lhs.output_field):
            return self.rhs
        return super().get_prep_lookup()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Compare with one array."""
        left, parameters = self.process_lhs(compiler, connection)
        field = self.lhs.output_field
        return f"{left} = ANY(%s::{field.rel_db_type(connection)}[])", [*parameters, literal(self.rhs)]
