"""A gate before a provider: while it is closed, connections are made and nothing gets through."""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Gate:
    """Listens on loopback and passes everything on to another address, once it is open."""

    def __init__(self, origin: str) -> None:
        """Stand before ``origin``, such as ``https://127.0.0.1:4433``; closed at first."""
        parts = urlsplit(origin)
        self._behind = (str(parts.hostname), int(parts.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.waiting = 0
        """How many connections were made while it was closed."""
        self._is_open = threading.Event()
        self._passing: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._is_open.set()
        for one in self._passing:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *self._threads):
            thread.join(10)

    def open(self) -> None:
        """Let through what comes from now on; what was waiting is lost."""
        self._is_open.set()

    def _accept(self) -> None:
        held: list[socket.socket] = []
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                if self._is_open.is_set():
                    self._pass_on(client)
                else:
                    held.append(client)
                    self.waiting += 1
        for client in held:
            client.close()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(self._behind)
        self._passing += [client, server]
        thread = threading.Thread(target=_relay, args=(client, server), daemon=True)
        self._threads.append(thread)
        thread.start()


def _relay(client: socket.socket, server: socket.socket) -> None:
    """Pass on what comes, until either side ends."""
    with client, server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        selector.register(client, selectors.EVENT_READ, (client, server))
        selector.register(server, selectors.EVENT_READ, (server, client))
        while True:
            for key, _events in selector.select():
                source, sink = key.data
                piece = source.recv(65536)
                if not piece:
                    return
                sink.sendall(piece)
