"""The interface of a stand-in for a provider, as the channels' contract uses it."""

from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

RETRY_AFTER = timedelta(seconds=7)
"""The Retry-After of a provider that limits the rate."""


class Answer(Enum):
    """How a provider stand-in answers to what it gets."""

    ACCEPT = auto()
    REJECT = auto()
    """A permanent refusal."""
    FAIL = auto()
    """A temporary server error that says that nothing was accepted."""
    LIMIT = auto()
    """Too many requests; retry after ``RETRY_AFTER``."""
    GONE = auto()
    """The recipient no longer exists."""
    FORBID = auto()
    """Our credentials are wrong."""
    GARBAGE = auto()
    """It accepts the message, and its answer can't be read."""
    VANISH = auto()
    """It accepts the message, and the connection is closed before the answer."""
    HOLD = auto()
    """It accepts the message, and answers only after ``release``."""


class Provider(Protocol):
    """A stand-in for a provider."""

    def answer(self, how: Answer) -> None:
        """Answer so from now on; ACCEPT at first."""

    def received(self) -> list[str]:
        """Return what was accepted so far (ACCEPT, GARBAGE, VANISH, HOLD): for each request a text that
        identifies the message."""

    def release(self) -> None:
        """Answer the held requests."""

    def canceled(self) -> list[str]:
        """Return the provider's ids of the messages that were canceled."""


class NoProvider:
    """For a channel that needs none."""

    def answer(self, how: Answer) -> None:
        assert how is Answer.ACCEPT

    def received(self) -> list[str]:
        return []

    def release(self) -> None:
        pass

    def canceled(self) -> list[str]:
        return []
