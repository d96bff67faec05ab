"""A small web server on loopback, in a thread: what the stand-ins for calendar servers have in common."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Handler(BaseHTTPRequestHandler):
    """Answers requests; ``self.server.site`` is the ``WebServer`` that was asked."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def read_body(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def give(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a body."""
        self.give_head(status, len(body), headers)
        self.wfile.write(body)

    def give_head(self, status: int, length: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a status and headers that announce a body of ``length`` bytes."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    site: Any

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # some tests are about clients that hang up early


class WebServer:
    """Serves on a free port of loopback until it ends; a context manager."""

    def __init__(self, handler: type[Handler]) -> None:
        self.server = _Server(("127.0.0.1", 0), handler)
        self.server.site = self
        self.address = f"127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)
