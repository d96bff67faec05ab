"""The phones that ring: what changed at a number, and waiting for the next change."""

import asyncio
import itertools
from collections import OrderedDict
from typing import Final

_KEPT: Final = 10_000


class Phones:
    """A revision for each number, which grows whenever something happens there."""

    def __init__(self) -> None:
        """Start with nothing having happened."""
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self._counter = itertools.count(1)
        self._waiting: set[asyncio.Event] = set()

    def changed(self, number: str) -> None:
        """Record that something happened at a number, and wake the requests that wait for it."""
        self._revisions[number] = next(self._counter)
        self._revisions.move_to_end(number)
        while len(self._revisions) > _KEPT:
            self._revisions.popitem(last=False)
        for event in self._waiting:
            event.set()

    def revision(self, number: str) -> int:
        """Return the number's present revision; 0 when nothing ever happened there."""
        return self._revisions.get(number, 0)

    async def wait(self, number: str, known: int, seconds: float) -> int:
        """Return the revision as soon as it is not ``known``, or after so many real seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(seconds):
                while self.revision(number) == known:
                    event.clear()
                    await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
        return self.revision(number)
