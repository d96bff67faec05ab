"""A server whose behaviour on a connection is a function of the test, down to the byte."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, "RawServer"], None]

Serve = Callable[..., "RawServer"]
"""What the fixture ``serve`` is: starts a server with a behaviour (and a TLS context)."""

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class RawServer:
    """Listens on loopback and gives each connection, in a thread, to ``behave``; a context manager."""

    def __init__(self, behave: Behaviour, context: ssl.SSLContext | None = None) -> None:
        """Bind a free port."""
        self.behave = behave
        self.context = context
        self.requests: list[bytes] = []
        """Each request that was read whole."""
        self.connections = 0
        self.is_over = threading.Event()
        """Set at the end, for a behaviour that holds a connection."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def read(self, connection: socket.socket) -> bytes:
        """Read one request, head and body; "" where the connection ended first."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                return b""
            body += piece
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                self.behave(connection, self)


def answer_with(answer: bytes) -> Behaviour:
    """Return a behaviour that answers every request of a connection so."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read(connection):
            connection.sendall(answer)

    return behave


def answer_once(answer: bytes) -> Behaviour:
    """Return a behaviour that answers one request of a connection so, and closes it."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(answer)

    return behave


def silence(connection: socket.socket, server: RawServer) -> None:
    """Read a request and never answer."""
    server.read(connection)
    server.is_over.wait(20)
