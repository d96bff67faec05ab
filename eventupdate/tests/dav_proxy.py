"""A proxy in front of a real CalDAV server: it keeps what was asked, and spoils answers where a test says so."""

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes


class Answered(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


Spoil = Callable[[Asked, Answered], Answered]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        proxy = self.server.proxy
        proxy.asked.append(asked)
        answered = proxy.spoil(asked, proxy.forward(asked))
        self.send_response(answered.status)
        for name, value in answered.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answered.body)))
        self.end_headers()
        self.wfile.write(answered.body)

    do_GET = do_PROPFIND = do_REPORT = _pass_on  # noqa: N815 - their names in the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: "DavProxy"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up early is what some tests are about


class DavProxy:
    """Passes everything on to a port of loopback; a context manager."""

    def __init__(self, port: int) -> None:
        """Bind a free port."""
        self.asked: list[Asked] = []
        self.spoil: Spoil = lambda _asked, answered: answered
        self._port = port
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def forward(self, asked: Asked) -> Answered:
        """Ask the server behind."""
        kept = {"authorization", "depth", "content-type", "accept"}
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            headers = {name: value for name, value in asked.headers.items() if name in kept}
            connection.request(asked.method, asked.path, asked.body, headers)
            answer = connection.getresponse()
            passed = {"Content-Type", "Location", "WWW-Authenticate"}
            given = {name: value for name, value in answer.getheaders() if name in passed}
            return Answered(answer.status, answer.read(), given)
        finally:
            connection.close()

    def asked_for(self, word: str) -> list[Asked]:
        """Return the requests whose body has a word."""
        return [one for one in self.asked if word.encode() in one.body]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def refuse(word: str, status: int, body: bytes = b"") -> Spoil:
    """Return what refuses every request whose body has a word."""

    def spoil(asked: Asked, answered: Answered) -> Answered:
        return Answered(status, body) if word.encode() in asked.body else answered

    return spoil


def replace(word: str, body: bytes) -> Spoil:
    """Return what gives another body to every request whose body has a word."""

    def spoil(asked: Asked, answered: Answered) -> Answered:
        return Answered(207, body) if word.encode() in asked.body else answered

    return spoil
