"""Where calendars come from: one module a kind of source, all behind one function type.

A provider reads and writes nothing of the calendar's; ``sync`` holds what it returns against what
is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from common.errors import FeedError
from registration.models import Calendar, CalendarAccount


class RefusedError(FeedError):
    """The source wants the member to connect again; trying again without that is of no use."""


class Resource(NamedTuple):
    """One thing that the source keeps under a name of its own: an entry, or a whole series."""

    key: str
    """The source's name of it: a UID (iCalendar), the path of a resource (CalDAV), an event's id
    (Google). One that is longer than 255 characters is given as its SHA-256."""
    uid: str
    """Resources with the same one are expanded together."""
    version: str
    """An ETag, or a hash of the text without DTSTAMP and the like; at most 255 characters."""
    text: str
    """VEVENT blocks (RFC 5545) and the VTIMEZONE blocks that they need, with no VCALENDAR around them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source said."""

    resources: list[Resource]
    """All of them when it ``is_whole``; else those that are new or changed."""
    removed: list[str] = field(default_factory=list)
    """Keys that are gone; of no meaning when it ``is_whole``."""
    is_whole: bool = True
    """What is stored and not among the resources is gone."""
    time_zone: str = ""
    """The calendar's own zone, as the source names it; "" where it names none."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the calendar by which the next reading can tell what changed. They are stored in
    the transaction that stores the resources, never before."""
    notes: tuple[str, ...] = ()
    """Sentences for whoever runs the command."""


class Provider(Protocol):
    """Reads calendars of one kind."""

    def __call__(self, calendar: Calendar, *, is_fresh: bool) -> Reading | None:
        """Read a calendar; return None if it is as it was when it was read last.

        ``is_fresh`` False asks for everything anew: no sync token, no validators. Raises
        ``FeedError`` where no reading was to be had, and ``RefusedError``, which is one, where the
        member has to connect again.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """A calendar as its account's provider lists it."""

    remote_id: str
    """What the provider calls it: an id, or an address."""
    name: str
    time_zone: str = ""
    """"" where the provider does not say."""
    is_primary: bool = False


class AccountProvider(Protocol):
    """What a module of a provider offers."""

    def list_calendars(self, account: CalendarAccount) -> list[RemoteCalendar]:
        """Return the calendars that the account may read; its first one first.

        Raises ``RefusedError`` where the member has to connect again, ``FeedError`` where no list
        was to be had.
        """
        ...

    def disconnect(self, account: CalendarAccount) -> None:
        """Tell the provider that the connection ends, as far as there is anything to tell.

        Never raises: what the provider says does not keep the account.
        """
        ...
