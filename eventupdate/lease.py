"""The lease of a calendar: one sync at a time reads and writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final, Self

from django.db import transaction
from django.db.models import QuerySet

from registration.models import Calendar

LEASE: Final = timedelta(minutes=10)
"""Longer than the longest fetch, expansion and write together."""
MARGIN: Final = timedelta(minutes=1)
"""A sync stops writing so long before its lease ends: no batch takes longer, so none overlaps with
the next sync."""


class LostLeaseError(Exception):
    """Another sync has the calendar, or may have it soon, or the calendar was removed."""


class Lease:
    """A claim on one calendar, which ends by ``end`` or by itself after ``LEASE``."""

    def __init__(self, pk: int, until: datetime) -> None:
        """Hold a lease that ``take`` has stored."""
        self._pk = pk
        self._until = until
        # Measured on this machine alone, so that another machine's clock does not matter.
        self._writable_until = monotonic() + (LEASE - MARGIN).total_seconds()

    @classmethod
    def take(cls, calendar: Calendar, at: datetime) -> Self | None:
        """Claim a calendar by a conditional update; None where another sync has it, or where it is gone."""
        until = at + LEASE
        if not Calendar.objects.free(at).filter(pk=calendar.pk).update(lease_until=until):
            return None
        return cls(calendar.pk, until)

    def check(self) -> None:
        """Raise ``LostLeaseError`` unless the lease is held, with time left to write a batch."""
        self._require(self._row())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction that no other sync and no removal of the calendar overlaps with.

        Raises ``LostLeaseError`` as ``check`` does. The calendar's row is locked until it ends.
        """
        with transaction.atomic():
            self._require(self._row().select_for_update())
            yield

    def store(self, **columns: Any) -> None:
        """Write columns of the calendar. Raises ``LostLeaseError``."""
        if not self._row().update(**columns):
            raise LostLeaseError

    def end(self, **columns: Any) -> None:
        """Write columns of the calendar and release it. Raises ``LostLeaseError``."""
        self.store(lease_until=None, **columns)

    def _require(self, row: QuerySet[Calendar]) -> None:
        if monotonic() > self._writable_until or not row.exists():
            raise LostLeaseError

    def _row(self) -> QuerySet[Calendar]:
        return Calendar.objects.filter(pk=self._pk, lease_until=self._until)
