"""When to try again: exponential back-off with jitter, and an end."""

import random
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=5)
LONGEST_WISH: Final = timedelta(hours=1)
"""A provider that wants to be left alone for longer is asked again all the same."""
LAST: Final = timedelta(seconds=10)
"""The last try is made this long before the deadline at the latest, so that it can still be of use."""


def next_try(
    attempts: int, instant: datetime, deadline_at: datetime, retry_after: timedelta | None = None
) -> datetime | None:
    """Return when the next try is due, or None when no time is left before the deadline.

    The pause doubles from ``FIRST`` to ``LONGEST``; a random half of it is left out, so that messages that
    failed together do not come back together. The provider's own wish (``retry_after``) is a
    lower bound. A pause that would go beyond the deadline ends ``LAST`` before it: one more try is made
    rather than none. Only the deadline ends the tries: a provider that is down for long is no reason to
    lose a notice.
    """
    pause = min(LONGEST, FIRST * 2 ** min(max(attempts - 1, 0), 10))
    pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
    if retry_after is not None:
        pause = max(pause, min(retry_after, LONGEST_WISH))
    last = deadline_at - LAST
    if instant >= last:
        return None
    at: datetime = instant + pause
    return min(at, last)
