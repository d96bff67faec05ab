"""What the reference and the machine talk about: people, targets, plans, events and the history of actions.

Times are minutes since midnight UTC of the first day, as numbers: 600.5 is 10:00:30. An event starts at a half
minute and an action takes place at a full one, so that no action coincides with a due time.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DAY: Final = 24 * 60
KINDS: Final = ("push", "call", "mail", "inbox")
INFO: Final = 10
CRITICAL: Final = 30


class Behaviour(StrEnum):
    """What a provider does with the first try about each event; later tries are delivered (a call: accepted)."""

    FINE = ""
    ACCEPTED = "accepted"
    RETRY = "retry"
    LATER = "later"
    """Try again, in 14 minutes at the earliest."""
    REJECTED = "rejected"
    GONE = "gone"
    MISCONFIGURED = "misconfigured"
    UNKNOWN = "unknown"
    """The provider took it, and its response was lost."""
    NOT_TAKEN = "not taken"
    """The provider did not take it, and the connection was lost."""
    KILLED = "killed"
    """The worker died before the provider was called."""
    KILLED_AFTER = "killed after"
    """The worker died after the provider took it."""
    ANSWERED = "answered, said when asked"
    """A call was answered, and the provider's callback was lost."""
    ENGAGED = "busy, said when asked"
    """A call found the line busy, and the provider's callback was lost."""


@dataclass(eq=False)
class Member:
    """A person. ``zone`` is the offset to UTC in minutes, ``quiet`` local minutes of the day (from, until)."""

    name: str
    zone: int = 0
    quiet: tuple[int, int] | None = None
    cap: int | None = None
    is_on: bool = True

    def is_quiet(self, at: float) -> bool:
        """Say whether an instant lies in the quiet hours."""
        if self.quiet is None:
            return False
        local, (begin, end) = (at + self.zone) % DAY, self.quiet
        return begin <= local < end if begin <= end else local >= begin or local < end


@dataclass(eq=False)
class Target:
    """One way to reach one member."""

    member: Member
    kind: str
    is_on: bool = True
    behaviour: Behaviour = Behaviour.FINE
    tried: set[str] = field(default_factory=set)
    """Titles about which the present behaviour was shown already."""

    @property
    def name(self) -> str:
        """Return what a story calls it."""
        return f"{self.member.name}'s {self.kind}"


@dataclass(eq=False)
class Step:
    """One step of a plan. ``offset`` is in minutes after the start."""

    number: int
    target: Target
    offset: int
    is_always: bool = False


@dataclass(eq=False)
class Plan:
    """A registration: whose, which events, and what is done."""

    number: int
    member: Member
    calendar: int | None
    word: str
    action: str
    steps: list[Step]
    skips_away: bool = False
    is_on: bool = True


@dataclass(eq=False)
class Event:
    """An entry of a calendar. ``length`` is in minutes."""

    calendar: int
    title: str
    start: float
    length: int
    severity: int = INFO
    is_canceled: bool = False

    @property
    def is_critical(self) -> bool:
        """Say whether quiet hours and mutes let it through."""
        return self.severity >= CRITICAL


def clock(at: float) -> str:
    """Return a time as a person reads it."""
    day, second = divmod(round(at * 60), DAY * 60)
    seconds = f":{second % 60:02}" if second % 60 else ""
    return f"{f'day {day + 1} ' if day else ''}{second // 3600:02}:{second // 60 % 60:02}{seconds}"
