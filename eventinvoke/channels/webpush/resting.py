"""Push services that don't answer are left alone for a while, so that they don't hold up the others.

A message to a service that is silent occupies its place until it times out; a few hundred of them would
bring every worker to a halt, and with it the notices to all other services.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

TIMEOUTS: Final = 16
"""So many time-outs with no answer in between, and a service counts as silent."""
REST_SECONDS: Final = 30.0
_MAX_ORIGINS: Final = 1024


class Resting:
    """Which origins are left alone, in this process."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Begin with none. ``now`` gives the seconds of a clock that only goes forward."""
        self._now = now
        self._timeouts: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def seconds_left(self, origin: str) -> float:
        """Return how long an origin is still to be left alone; 0 says that it may be tried.

        When its rest is over, one message is let through to try; the others wait for what it finds.
        """
        if origin not in self._until:
            return 0.0
        now = self._now()
        left = self._until[origin] - now
        if left > 0:
            return left
        self._until[origin] = now + REST_SECONDS
        return 0.0

    def note(self, origin: str, *, is_timeout: bool) -> None:
        """Note how a message to an origin ended."""
        if not is_timeout:
            if self._timeouts:
                self._timeouts.pop(origin, None)
                self._until.pop(origin, None)
            return
        if len(self._timeouts) >= _MAX_ORIGINS:
            self._timeouts.clear()
            self._until.clear()
        count = self._timeouts.get(origin, 0) + 1
        self._timeouts[origin] = count
        if count >= TIMEOUTS:
            self._until[origin] = self._now() + REST_SECONDS
