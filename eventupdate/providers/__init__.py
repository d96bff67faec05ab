"""Where calendars come from: one module a kind of source, all behind one function type.

A provider reads and never writes; ``sync`` compares what it returns with what is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eventupdate.expand import Expansion, Window
from registration.models import Calendar


@dataclass(frozen=True, slots=True)
class Reading:
    """A calendar that was read whole."""

    expansion: Expansion
    state: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the calendar by which the next reading can tell that nothing changed. They are
    stored in the transaction that stores the occurrences, never before."""
    notes: tuple[str, ...] = ()
    """Sentences for whoever runs the command."""


class Provider(Protocol):
    """Reads calendars of one kind."""

    def __call__(self, calendar: Calendar, window: Window, *, is_fresh: bool) -> Reading | None:
        """Read a calendar; return None if it is as it was when it was read last.

        ``is_fresh`` says that what is stored covers the window, so that an unchanged calendar
        needs no reading. Raises ``FeedError`` where no whole calendar was to be had.
        """
        ...
