"""Work that several messages ask for is done once."""

from threading import Lock
from time import monotonic
from typing import Final


class Spacing:
    """Lets work begin in this process once within a time, however often it is asked for."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` is the shortest time between two beginnings."""
        self.seconds: Final = seconds
        self._lock = Lock()
        self._next_at = float("-inf")

    def may_begin(self) -> bool:
        """Say whether the work may begin now, and count it as begun if so."""
        instant = monotonic()
        with self._lock:
            if instant < self._next_at:
                return False
            self._next_at = instant + self.seconds
        return True

    def reset(self) -> None:
        """Let the next one begin in any case."""
        self._next_at = float("-inf")
