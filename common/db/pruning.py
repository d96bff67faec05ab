"""Delete old rows in short transactions, so that no person and no callback waits for them.

Rows are read along an index without a lock, then locked, looked at again and deleted by key. Nothing
cascades: a row that another one refers to by a constraint stays, with its batch, and the log says so.
A run that is interrupted has deleted what it has deleted; the next one finds the rest.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from math import inf
from time import monotonic, sleep
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.sql import DeleteQuery

from common.db import lookups  # noqa: F401 - registers the lookup any_of
from common.db.retry_transaction import retry_transaction

log = logging.getLogger(__name__)

BATCH: Final = 500
"""Rows of one transaction, at most."""
LONGEST: Final = 0.1
"""Seconds that a transaction should take at most; after a longer one the next ones have fewer rows."""

Rows = QuerySet[Any]


class Pruner:
    """One run: what it deleted, and whether it left something for want of time."""

    def __init__(self, *, seconds: float = inf, is_dry_run: bool = False) -> None:
        """Run for so many seconds, and as long as the last batch takes; a dry run counts and changes nothing."""
        self.counts: Counter[str] = Counter()
        """How many rows were (in a dry run: would be) deleted or emptied, by the name of their table."""
        self.has_more = False
        self.is_dry_run = is_dry_run
        self._until = monotonic() + seconds
        self._size = BATCH

    def delete(
        self,
        rows: Rows,
        column: str,
        before: date,
        *,
        each: str = "",
        children: Callable[[Any], Sequence[Rows]] = lambda _keys: (),
    ) -> None:
        """Delete those of ``rows`` whose ``column`` is before an instant or a day, the oldest first.

        There has to be an index of ``column``, or of ``each`` and ``column``: then one value of ``each`` is dealt with after
        another. ``children(keys)`` returns the rows that go before those with these keys (a list, or a query), which
        must not have children themselves.
        """
        name = str(rows.model._meta.verbose_name_plural)
        rows = rows.filter(**{f"{column}__lt": before})
        if self.is_dry_run:
            for child in children(rows.values("pk")):
                self.counts[str(child.model._meta.verbose_name_plural)] += child.count()
            self.counts[name] += rows.count()
            return
        for keys in self._pages(rows, column, before, each):
            try:
                for child in children(keys):
                    self._delete_all(child)
                self.counts[name] += self._timed(_delete_free, rows, keys)
            except IntegrityError:
                log.warning("%s are left to the next run: other rows refer to them", name, exc_info=True)

    def empty(self, rows: Rows, column: str, before: date, name: str, **values: Any) -> None:
        """Set columns of those of ``rows`` whose ``column`` is before an instant; counted under ``name``."""
        rows = rows.filter(**{f"{column}__lt": before})
        if self.is_dry_run:
            self.counts[name] += rows.count()
            return
        for keys in self._pages(rows, column, before):
            self.counts[name] += self._timed(_update, rows, keys, values)

    def _pages(self, rows: Rows, column: str, before: date, each: str = "") -> Iterator[list[Any]]:
        """Yield keys, at most as many as one transaction should have, as long as there is time."""
        for group in _groups(rows, column, before, each) if each else [rows]:
            ordered = group.order_by(column, "pk").values_list("pk", column)
            page = ordered
            while True:
                if monotonic() >= self._until:
                    self.has_more = True
                    return
                size = self._size
                found = list(page[:size])
                if found:
                    yield [key for key, _at in found]
                if len(found) < size:
                    break
                key, at = found[-1]
                page = ordered.filter(Q((f"{column}__gt", at)) | Q(pk__gt=key), **{f"{column}__gte": at})

    def _delete_all(self, rows: Rows) -> None:
        name = str(rows.model._meta.verbose_name_plural)
        while keys := list(rows.order_by().values_list("pk", flat=True)[: self._size]):
            self.counts[name] += self._timed(_delete, rows.model, keys)

    def _timed(self, work: Callable[..., int], *values: Any) -> int:
        """Do one transaction and rest for as long as it took: others want to write too."""
        began = monotonic()
        count = work(*values)
        took = monotonic() - began
        fits = int(self._size * LONGEST / took) if took > LONGEST else 2 * self._size
        self._size = max(1, min(BATCH, fits))
        sleep(min(took, LONGEST))
        return count


def _groups(rows: Rows, column: str, before: date, each: str) -> Iterator[Rows]:
    """Yield the rows of each value of a column that has some: one look at an index a value."""
    yield rows.filter(**{f"{each}__isnull": True})
    firsts = rows.model._default_manager.filter(**{f"{each}__isnull": False}).order_by(each, column)
    page = firsts
    while first := page.values_list(each, column).first():
        value, at = first
        if at < before:
            yield rows.filter(**{each: value})
        page = firsts.filter(**{f"{each}__gt": value})


@retry_transaction
def _delete_free(rows: Rows, keys: Collection[Any]) -> int:
    """Delete those that still are among ``rows`` when they are locked; what others have locked stays."""
    with transaction.atomic():
        table = rows.model._default_manager.order_by("pk").values_list("pk", flat=True)
        can_skip = connection.features.has_select_for_update_skip_locked
        locked = list(table.select_for_update(skip_locked=can_skip).filter(pk__any_of=keys))
        return _delete(
            rows.model, list(rows.filter(pk__any_of=locked).order_by().values_list("pk", flat=True))
        )


@retry_transaction
def _delete(model: type[Model], keys: Collection[Any]) -> int:
    with transaction.atomic():
        return int(DeleteQuery(model).delete_batch(list(keys), connection.alias)) if keys else 0


@retry_transaction
def _update(rows: Rows, keys: Collection[Any], values: dict[str, Any]) -> int:
    return rows.filter(pk__any_of=keys).update(**values)
