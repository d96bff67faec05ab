"""The history of events: what their sources altered after they were first published.

A change is written for what people care about (``_COLUMNS``); a new colour label of a calendar is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from common.clock import now
from common.db import bulk
from eventinvoke.models import EventChange

Kind = EventChange.Kind

_COLUMNS: Final = ("title", "starts_at", "ends_at", "location", "description", "url", "canceled_at")
_TIMES: Final = ("starts_at", "ends_at")


class Change(NamedTuple):
    """One alteration of one event."""

    event_id: int
    kind: EventChange.Kind
    before: dict[str, Any]
    after: dict[str, Any]


def change_of(event_id: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change | None:
    """Return what became of an event; None if nothing that people are told of.

    Both mappings hold columns; those that are not among ``after`` stayed as they were.
    """
    altered = [name for name in _COLUMNS if name in after and before[name] != after[name]]
    if not altered:
        return None
    return Change(
        event_id,
        _kind(altered, after),
        {name: _plain(before[name]) for name in altered},
        {name: _plain(after[name]) for name in altered},
    )


def _kind(altered: Sequence[str], after: Mapping[str, Any]) -> EventChange.Kind:
    """Return the most important of what happened."""
    if "canceled_at" in altered:
        return Kind.REINSTATED if after["canceled_at"] is None else Kind.CANCELED
    if any(name in altered for name in _TIMES):
        return Kind.MOVED
    return Kind.RETITLED if "title" in altered else Kind.EDITED


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def write(changes: Iterable[Change | None]) -> None:
    """Store changes, leaving out None, in one statement."""
    at = now()
    rows = [(one.event_id, str(one.kind), at, one.before, one.after) for one in changes if one is not None]
    bulk.insert_missing(EventChange, ("event_id", "kind", "at", "before", "after"), rows)
