"""When to try again: exponential back-off with jitter, and an end."""

import random
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=5)
LONGEST_WISH: Final = timedelta(hours=1)
"""A provider that wants to be left alone for longer is asked again all the same."""


def next_try(
    attempts: int, instant: datetime, deadline_at: datetime, retry_after: timedelta | None = None
) -> datetime | None:
    """Return when the next try is due, or None when the deadline comes first.

    The pause doubles from ``FIRST`` to ``LONGEST``; a random half of it is left out, so that what
    failed together does not come back together. The provider's own wish (``retry_after``) is a
    lower bound. Only the deadline ends the tries: a provider that is down for long is no reason to
    lose a notice that somebody still wants.
    """
    pause = min(LONGEST, FIRST * 2 ** min(max(attempts - 1, 0), 10))
    pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
    if retry_after is not None:
        pause = max(pause, min(retry_after, LONGEST_WISH))
    at = instant + pause
    return at if at < deadline_at else None
