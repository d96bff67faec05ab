"""What a provider of calendars returns: resources, readings, lists of calendars, errors.

A provider writes nothing. ``update`` compares its reading with the stored entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from common.errors import FeedError
from registration.models import Calendar, CalendarAccount


class RefusedError(FeedError):
    """The source refuses the account; retrying is useless until the member connects again."""


class Resource(NamedTuple):
    """One item of the source: an entry, or a whole series."""

    key: str
    """The source's name of it: a UID (iCalendar), a path (CalDAV), an event's id (Google). A name longer
    than 255 characters is replaced by its SHA-256."""
    uid: str
    """Resources with the same UID are expanded together."""
    version: str
    """An ETag, or a hash of the text without DTSTAMP; at most 255 characters."""
    text: str
    """VEVENT blocks (RFC 5545) and the VTIMEZONE blocks that they need, without a VCALENDAR."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a source."""

    resources: list[Resource]
    """All resources if the reading ``is_whole``, else new and changed ones."""
    removed: list[str] = field(default_factory=list)
    """Keys of removed resources; ignored if the reading ``is_whole``."""
    is_whole: bool = True
    """Stored entries that are not among the resources were removed."""
    time_zone: str = ""
    """The source's name of the calendar's own zone, or ""."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the calendar (sync token, validators) that the next reading needs. They are stored after
    all resources, never before."""
    notes: tuple[str, ...] = ()
    """Sentences to print when the command ``eventupdate`` runs."""


class Provider(Protocol):
    """Reads calendars of one kind."""

    def __call__(self, calendar: Calendar, *, is_fresh: bool) -> Reading | None:
        """Read a calendar; return None if it has not changed since the last reading.

        With ``is_fresh`` False everything is read, without a sync token or validators. Raises
        ``FeedError`` if the calendar can't be read, and its subclass ``RefusedError`` if the member has to
        connect again.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """A calendar in a provider's list."""

    remote_id: str
    """The provider's id or address of it."""
    name: str
    time_zone: str = ""
    """The provider's name of its zone, or ""."""
    is_primary: bool = False


class AccountProvider(Protocol):
    """The functions of a provider's module ``accounts``."""

    def list_calendars(self, account: CalendarAccount) -> list[RemoteCalendar]:
        """Return the calendars that the account may read, its main one first.

        Raises ``RefusedError`` if the member has to connect again, and ``FeedError`` if the list can't be
        read.
        """
        ...

    def disconnect(self, account: CalendarAccount) -> None:
        """Tell the provider that the connection ends, if it has to know.

        Never raises: the account is deleted even if the provider answers with an error.
        """
        ...
