"""Marks: which events are to be planned (``Unplanned``).

A mark is put on in the transaction of the change, by a process that holds the event's row, and taken off in the transaction
that writes the last deliveries. It has the version of the event: a change in between raises the version and keeps its mark.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, Q

from common.db import bulk
from eventinvoke.models import Event, Unplanned

Versions = Iterable[tuple[int, int]]
"""Keys of events, each with its version."""


def put_on(versions: Versions) -> None:
    """Mark events that were stored with these versions. Must be called in the transaction that stores them."""
    bulk.upsert(Unplanned, ("event_id", "version"), list(versions), key=("event_id",))


def change(pks: Collection[int], **columns: Any) -> int:
    """Set columns of some events, raise their versions and mark them; return how many events there are.

    Must be called inside a transaction.
    """
    events = Event.objects.filter(pk__any_of=list(pks))
    count = events.update(version=F("version") + 1, **columns)
    put_on(events.order_by("pk").values_list("pk", "version"))
    return count


def take_off(planned: Mapping[int, int], gone: Collection[int] = ()) -> None:
    """Delete the marks of events that were planned in these versions, and of events that are ``gone``.

    Must be called in the transaction that writes the last deliveries. Most events have the same version.
    """
    for version, some in groupby(sorted(planned.items(), key=itemgetter(1)), key=itemgetter(1)):
        pks = [pk for pk, _version in some]
        Unplanned.objects.filter(event__pk__any_of=pks, version=version).delete()
    if gone:
        Unplanned.objects.filter(event__pk__any_of=list(gone)).delete()


def unplanned_events(limit: int) -> list[int]:
    """Return some events whose deliveries do not follow their last change."""
    return list(Unplanned.objects.order_by("pk").values_list("pk", flat=True)[:limit])


def look_again(delivery: int, told: datetime | None) -> None:
    """Have the event of a delivery planned again where its person was told what has changed since: a change notice is due."""
    event = Event.objects.filter(deliveries=delivery)
    changed = event.filter(~Q(starts_at=told) | Q(canceled_at__isnull=False))
    if told is not None and (pk := changed.values_list("pk", flat=True).first()) is not None:
        change([pk])
