"""Delivering: claim, send, record, as one stream.

The channel pulls messages as it has room for them; each time it asks for more than was claimed,
another batch is claimed. A straggler holds up no other notice, and memory does not grow with the
number of notices.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from common.channels import Channel, Message, Outcome, SendResult, get
from common.clock import steady
from eventinvoke.sending.claim import claim, put_back
from eventinvoke.sending.compose import Claimed
from eventinvoke.sending.record import Recorder
from eventinvoke.sending.staff_notices import tell_staff

log = logging.getLogger(__name__)

SECONDS: Final = 2.0
"""How long one call goes on claiming, so that other kinds get their turn."""
AT_ONCE: Final = 3
"""How many threads of one process send one kind, so that a slow server leaves room for others."""

_DEFECT: Final = "This channel has a defect; the log has the details"

_slots: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(AT_ONCE))


@dataclass(frozen=True, slots=True)
class Fired:
    """What one call of ``fire`` did."""

    tried: int = 0
    has_more: bool = False
    """Its time was up before everything that is due was claimed."""


def fire(kind: str, *, seconds: float = SECONDS) -> Fired:
    """Send what is due of one kind now, for so many seconds and until the last result is in.

    Returns at once when ``AT_ONCE`` threads of this process send that kind already. Raises
    ``KeyError`` for a kind that no channel serves.
    """
    channel = get(kind)
    if not _slots[kind].acquire(blocking=False):
        return Fired()
    try:
        return _stream(channel, seconds)
    finally:
        _slots[kind].release()


def _stream(channel: Channel, seconds: float) -> Fired:
    recorder = Recorder(channel, settings.NOTICE_BATCH_SIZE)
    flight = _Flight(channel, recorder, monotonic() + seconds)
    try:
        for result in channel.send(flight.messages()):
            if result is not None:
                recorder.add(flight.landed(result.message.process_id), result)
            recorder.flush_if_due()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        flight.lost(f"{_DEFECT} ({type(error).__name__}).")
        raise
    finally:
        # Deliveries that are left unfinished are taken up when their leases run out.
        recorder.finish()
    return Fired(flight.count, flight.has_more)


class _Flight:
    """The messages that are on their way."""

    def __init__(self, channel: Channel, recorder: Recorder, until: float) -> None:
        self._channel = channel
        self._recorder = recorder
        self._until = until
        self._flying: dict[str, Claimed] = {}
        self.count = 0
        self.has_more = True

    def messages(self) -> Iterator[Message]:
        """Yield due messages, claiming them a batch at a time.

        A message that had to wait for half of its lease (a slow provider, a machine that stood still) is given
        back untried: when the lease runs out, another worker concludes from the provider's silence that
        it was never sent, and sends it.
        """
        while self.has_more and monotonic() < self._until:
            batch = self._claim()
            self.count += len(batch)
            late: list[Claimed] = []
            latest = steady() + settings.NOTICE_LEASE_SECONDS * 500_000_000
            for one in batch:
                if steady() > latest:
                    late.append(one)
                    continue
                self._flying[one.message.process_id] = one
                yield one.message
            put_back(late)

    def _claim(self) -> list[Claimed]:
        """Claim a batch; none when the database fails while others are on their way.

        What is on its way is to land and be recorded: raised into the channel, the error would leave
        everything in the air, to be sent twice or asked about.
        """
        try:
            batch, self.has_more = claim(self._channel, settings.NOTICE_BATCH_SIZE)
        except (OperationalError, InterfaceError) as error:
            if not self._flying or connection.in_atomic_block:
                raise
            log.warning("%s: no more is claimed: %s", self._channel.kind, error)
            self.has_more = False
            connection.close()
            return []
        return batch

    def landed(self, process_id: str) -> Claimed:
        """Return what was claimed under a process id, whose result came."""
        return self._flying.pop(process_id)

    def lost(self, reason: str) -> None:
        """Record that a defect of the channel left everything in the air, and tell the administrators."""
        for one in self._flying.values():
            self._recorder.add(one, SendResult(one.message, Outcome.UNKNOWN, reason=reason))
        self._flying.clear()
        tell_staff(self._channel, "notices can't be sent", reason)
