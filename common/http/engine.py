"""Many requests at once over few kept-alive connections: libcurl's multi interface.

One exchange costs about 20 us of processor time a request, which decides how many notices a core
can send. It is cheap because handles are reused and keep their options; ``perform`` serves
all connections at once, after a burst of new requests, not after each; HTTP/2 carries them over one
connection where the server offers it; Python is called back only for bodies and wanted headers.

**Sent or not?** A request counts as ``NOT_SENT`` only if libcurl never began to write it, which its
counter of the request's bytes shows. A body that may not be repeated is read by libcurl through a
callback that can't rewind. This shows whether it was read at all, and libcurl can't repeat the request
by itself when a kept-alive connection turns out to be dead.
"""

import ctypes
import os
import threading
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Final

from django.conf import settings

from common.http.exchanges import Reply, Request
from common.http.handles import ca_file
from common.http.wires import Wire

IDLE_SECONDS: Final = 0.05
"""Seconds without a reply after which an exchange yields None."""

_BURST: Final = 32
_BURST_SECONDS: Final = 0.005
_SHORT_WAIT: Final = 0.005

_Key = tuple[str, tuple[str, ...]]


class Engine:
    """Two wires: one that refuses private addresses, one that does not.

    They are separate because libcurl reuses connections, and a guarded request must not reuse a connection
    that an unguarded one has opened.
    """

    def __init__(self, ca_path: str) -> None:
        """Open nothing yet."""
        self._wires = (Wire(ca_path, is_guarded=False), Wire(ca_path, is_guarded=True))
        self._known: list[Reply] = []

    def run(
        self, requests: Iterable[Request | Reply], max_in_flight: int, timeout: float
    ) -> Iterator[Reply | None]:
        """Implement ``exchange``."""
        source = iter(requests)
        fault: BaseException | None = None
        is_open = True
        quiet_since = monotonic()
        while is_open or self._in_flight():
            if is_open:
                try:
                    is_open = self._fill(source, max_in_flight, timeout)
                except Exception as error:  # noqa: BLE001 - raised again below, once what is under way has ended
                    fault, is_open = error, False
            replies = self._advance()
            if replies:
                yield from replies
                quiet_since = monotonic()
            elif self._in_flight() >= max_in_flight or not is_open:
                self._wait(IDLE_SECONDS - (monotonic() - quiet_since))
            if not replies and monotonic() - quiet_since >= IDLE_SECONDS:
                yield None
                quiet_since = monotonic()
        if fault is not None:
            raise fault

    def abandon(self) -> None:
        """Abort all requests that are in flight."""
        self._known.clear()
        for wire in self._wires:
            wire.abandon()

    def _in_flight(self) -> int:
        return self._wires[0].in_flight + self._wires[1].in_flight

    def _fill(self, source: Iterator[Request | Reply], max_in_flight: int, timeout: float) -> bool:
        """Start requests while there is room; say whether there may be more.

        It stops after a burst, and when the source is slow, so that requests in flight make progress.
        """
        room = min(max_in_flight - self._in_flight(), _BURST)
        until = monotonic() + _BURST_SECONDS
        while room > 0:
            try:
                request = next(source)
            except StopIteration:
                return False
            if isinstance(request, Reply):
                self._known.append(request)
            else:
                refusal = self._wires[request.is_guarded].start(request, timeout)
                if refusal is not None:
                    self._known.append(refusal)
            room -= 1
            if monotonic() > until:
                break
        return True

    def _advance(self) -> list[Reply]:
        replies, self._known = self._known, []
        for wire in self._wires:
            if wire.in_flight:
                wire.advance(replies)
        return replies

    def _wait(self, seconds: float) -> None:
        busy = [wire for wire in self._wires if wire.in_flight]
        for wire in busy:
            wire.wait(min(seconds, _SHORT_WAIT) if len(busy) > 1 else seconds)


class _Garage:
    """The engines of this process. An engine serves one exchange at a time, of any thread.

    Each exchange takes one and gives it back, so connections outlive exchanges and threads, and no two
    exchanges share an engine. A forked child never touches its parent's engines: closing them would end
    the parent's TLS connections.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[_Key, Engine]] = []
        self._all: set[Engine] = set()
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def take(self) -> tuple[_Key, Engine]:
        """Return an engine made under the present settings."""
        key = (ca_file(), tuple(settings.NOTICE_ALLOWED_PRIVATE_NETWORKS))
        with self._lock:
            while self._idle:
                found, engine = self._idle.pop()
                if found == key:
                    return key, engine
                self._all.discard(engine)
            engine = Engine(key[0])
            self._all.add(engine)
        return key, engine

    def give_back(self, key: _Key, engine: Engine) -> None:
        """Take an engine back, unless it is the engine of a parent process."""
        engine.abandon()
        with self._lock:
            if engine in self._all:
                self._idle.append((key, engine))

    def _leave_to_parent(self) -> None:
        self._lock = threading.Lock()
        for engine in self._all:
            # The extra reference is never released, so that not even the end of the process frees the engine.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
        self._idle.clear()
        self._all = set()


_garage: Final = _Garage()


def exchange(
    requests: Iterable[Request | Reply], *, max_in_flight: int = 128, timeout: float = 15.0
) -> Iterator[Reply | None]:
    """Make requests, many at once; yield one ``Reply`` for each, in the order in which they end.

    ``requests`` is read lazily, never more than ``max_in_flight`` ahead of the replies, so a
    stream of any length needs the same memory. ``timeout`` is in seconds a request. ``None`` is
    yielded when no reply has come for about 50 ms. Connections are kept alive between calls. A ``Reply``
    among the requests (for a message that need not or can't be sent) is passed through in its turn, so
    that a caller can keep one stream. The fault of one request is its reply's ``error``. If ``requests``
    itself raises, the requests in flight are completed and reported first. Closing the iterator aborts
    the requests in flight.
    """
    key, engine = _garage.take()
    try:
        yield from engine.run(requests, max_in_flight, timeout)
    finally:
        _garage.give_back(key, engine)
