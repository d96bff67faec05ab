"""Delivering: claim, send, record, as one stream.

The channel pulls messages as it has room for them; each time it asks for more than was claimed,
another batch is claimed. A straggler holds up nobody else, and memory does not grow with the
number of notices.
"""

from collections import defaultdict
from collections.abc import Iterator
from threading import BoundedSemaphore
from time import monotonic
from typing import Final

from django.conf import settings

from common.channels import Channel, Message, get
from eventinvoke.claim import Claimed, claim
from eventinvoke.record import Recorder

SECONDS: Final = 1.0
"""How long one call goes on claiming, so that other kinds get their turn."""
AT_ONCE: Final = 3
"""How many threads of one process send one kind, so that a slow server leaves room for others."""

_slots: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(AT_ONCE))


def fire(kind: str, *, seconds: float = SECONDS) -> int:
    """Send what is due of one kind now, and return how many were tried.

    Returns at once when ``AT_ONCE`` threads of this process send that kind already. Raises
    ``KeyError`` for a kind that no channel serves.
    """
    channel = get(kind)
    if not _slots[kind].acquire(blocking=False):
        return 0
    try:
        return _stream(channel, seconds)
    finally:
        _slots[kind].release()


def _stream(channel: Channel, seconds: float) -> int:
    flight = _Flight(channel, monotonic() + seconds)
    recorder = Recorder(channel, settings.NOTICE_BATCH_SIZE)
    try:
        for result in channel.send(flight.messages()):
            if result is not None:
                recorder.add(flight.landed(result.message.process_id), result)
            recorder.flush_if_due()
    finally:
        # Whatever a defect of the channel leaves behind is taken up when its lease runs out.
        recorder.flush()
    return flight.count


class _Flight:
    """The messages that are on their way."""

    def __init__(self, channel: Channel, until: float) -> None:
        self._channel = channel
        self._until = until
        self._flying: dict[str, Claimed] = {}
        self.count = 0

    def messages(self) -> Iterator[Message]:
        """Yield due messages, claiming them a batch at a time."""
        has_more = True
        while has_more and monotonic() < self._until:
            batch, has_more = claim(self._channel, settings.NOTICE_BATCH_SIZE)
            self.count += len(batch)
            for one in batch:
                self._flying[one.message.process_id] = one
                yield one.message

    def landed(self, process_id: str) -> Claimed:
        """Return what was claimed under a process id, whose result came."""
        return self._flying.pop(process_id)
