"""What a stand-in for a provider has to be able to do, so that the channels' contract can use it."""

from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

RETRY_AFTER = timedelta(seconds=7)
"""What a provider says when it limits us."""


class Answer(Enum):
    """How a provider stand-in answers to what it gets."""

    ACCEPT = auto()
    REJECT = auto()
    """No, and never."""
    FAIL = auto()
    """Not now: a server's error that says that nothing was taken."""
    LIMIT = auto()
    """Too many; come back after ``RETRY_AFTER``."""
    GONE = auto()
    """There is no such recipient any more."""
    FORBID = auto()
    """Our credentials are wrong."""
    GARBAGE = auto()
    """It takes the message, and answers with nonsense."""
    VANISH = auto()
    """It takes the message, and the connection breaks off before the answer."""
    HOLD = auto()
    """It takes the message, and answers ACCEPT only after ``release``."""


class Provider(Protocol):
    """A stand-in for a provider."""

    def answer(self, how: Answer) -> None:
        """Answer so from now on; ACCEPT at first."""

    def received(self) -> list[str]:
        """Return what was taken so far (ACCEPT, GARBAGE, VANISH, HOLD): a text for each request that
        tells the messages apart."""

    def release(self) -> None:
        """Answer what is held."""

    def canceled(self) -> list[str]:
        """Return the provider's ids of what was taken back."""


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
