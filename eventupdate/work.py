"""Limits of reading a calendar by counted work, so that a busy machine reads what an idle one reads.

A step is one thing that is looked at: a candidate day or time of a rule, an occurrence, a replaced occurrence.
"""

from typing import Final

MOMENT_STEPS: Final = 10
"""The work of what a rule yields, compared with that of a candidate."""
OCCURRENCE_STEPS: Final = 20
"""The work of what of it is in the window."""
ENTRY_STEPS: Final = 500_000
"""Most steps for the rules of one entry: 10,000 occurrences, and the seconds of a day twice."""
CALENDAR_STEPS: Final = 20_000_000
"""Most steps for the rules of a calendar, which take about five seconds: three times those of 200,000 occurrences."""


class TooMuchWorkError(Exception):
    """The rules of an entry need too many steps; the text says which limit, to be shown."""


class Work:
    """The steps that a calendar has left."""

    def __init__(self, steps: int = CALENDAR_STEPS) -> None:
        """Allow so many steps for all entries together."""
        self.total = self.left = steps

    def share(self) -> "Share":
        """Return the steps for one entry."""
        return Share(self)


class Share:
    """The steps that one entry has left."""

    def __init__(self, work: Work) -> None:
        """Take the steps from those of the calendar."""
        self._work = work
        self._left = ENTRY_STEPS

    def take(self, steps: int) -> None:
        """Count steps. Raises ``TooMuchWorkError`` when too few are left."""
        self._left -= steps
        self._work.left -= steps
        if self._left < 0:
            # What an entry was refused, others may use.
            self._work.left -= self._left
            msg = f"its rules need more than {ENTRY_STEPS} steps; only its first start counts"
            raise TooMuchWorkError(msg)
        if self._work.left < 0:
            self._work.left = 0
            msg = f"the rules of the calendar need more than {self._work.total} steps; only its first start counts"
            raise TooMuchWorkError(msg)
