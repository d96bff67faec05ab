"""A web server with one calendar, which does what calendar servers do, and what they should not."""

import threading
from collections.abc import Callable
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers a request for the calendar."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        feed = self.server.feed
        feed.requests.append({name.lower(): value for name, value in self.headers.items()})
        feed.paths.append(self.path)
        if feed.answer is not None:
            feed.answer(self)
        elif self.headers.get("If-None-Match") == feed.etag:
            self.send_response(304)
            self.send_header("ETag", feed.etag)
            self.end_headers()
        else:
            self.give(200, feed.content, {"ETag": feed.etag} if feed.has_etag else {})

    def give(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Answer with a body."""
        self.send_response(status)
        for name, value in {"Content-Type": "text/calendar; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Last-Modified", formatdate(0, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    feed: "FeedServer"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up early is what some tests are about


class FeedServer:
    """Serves ``content`` on loopback until it ends; a context manager."""

    def __init__(self, content: str = "") -> None:
        """Bind a free port."""
        self.content = content.encode()
        self.answer: Answer | None = None
        """What to do in place of serving ``content``."""
        self.has_etag = True
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.feed = self
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/calendar.ics"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def etag(self) -> str:
        """The entity tag of the present content."""
        return f'"{sha256(self.content).hexdigest()[:20]}"'

    def serve(self, content: str) -> None:
        """Serve another content from now on."""
        self.content = content.encode()
        self.answer = None
