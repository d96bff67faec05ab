"""Events as rows: what planning needs to know of them, without a model's weight.

There is one for each occurrence of a calendar, and an instance of a model takes ten times as long to make.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from eventinvoke.models import Event


class EventRow(NamedTuple):
    """What planning needs to know of an event; the names are columns of its table."""

    pk: int
    source: str
    external_id: str
    title: str
    description: str
    location: str
    attendees: str
    labels: Any
    severity: int
    starts_at: datetime
    ends_at: datetime | None
    deadline_at: datetime
    is_all_day: bool
    starts_on: date | None
    canceled_at: datetime | None
    series: str = ""


AnyEvent = Event | EventRow
