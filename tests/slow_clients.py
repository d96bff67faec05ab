"""Clients that send slowly: each keeps its connection for as long as the server lets it, then comes again."""

import asyncio
import resource
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_AGAIN_SECONDS: Final = 0.1
_DRIP_SECONDS: Final = 1.0


def slow_body(path: str, length: int = 1000) -> bytes:
    """Return a request that declares a body of ``length`` bytes and has ten."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={'a' * 32}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n0123456789"
    ).encode()


HALF_SENT: Final = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Header: "
"""A request whose headers have no end."""


class SlowClients:
    """Clients in a thread of their own; each sends a beginning, then one byte a second."""

    def __init__(self, port: int, beginnings: list[bytes], tls: ssl.SSLContext | None) -> None:
        self.connected: Counter[bytes] = Counter()
        """How many clients of a beginning are connected now."""
        self.answers: Counter[tuple[bytes, bytes]] = Counter()
        """How often a beginning was answered by a first line; an empty line is an end without an answer."""
        self._port = port
        self._beginnings = beginnings
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()
        for beginning in self._beginnings:
            asyncio.run_coroutine_threadsafe(self._repeat(beginning), self._loop)

    def stop(self) -> None:
        """Close all connections."""
        asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _cancel(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _repeat(self, beginning: bytes) -> None:
        while True:
            with suppress(OSError):
                await self._once(beginning)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _once(self, beginning: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        self.connected[beginning] += 1
        dripping = asyncio.create_task(_drip(writer, beginning))
        try:
            line = await reader.readline()
            self.answers[beginning, line.rstrip()] += 1
        finally:
            self.connected[beginning] -= 1
            dripping.cancel()
            writer.close()


async def _drip(writer: asyncio.StreamWriter, beginning: bytes) -> None:
    writer.write(beginning)
    with suppress(OSError):
        while True:
            await asyncio.sleep(_DRIP_SECONDS)
            writer.write(b"x")
            await writer.drain()


@contextmanager
def slow_clients(
    port: int, beginnings: list[bytes], tls: ssl.SSLContext | None = None
) -> Iterator[SlowClients]:
    """Run one client for each beginning until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = SlowClients(port, beginnings, tls)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
