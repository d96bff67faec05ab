"""A pytest plugin: a small web site that records its requests, for tests of code that makes them.

The fixture ``webhook_site`` listens on a free port of loopback. ``site.url("/status")`` is an address
in it; ``site.requests`` is what arrived; ``site.answer("/twiml", body)`` sets what a path answers
(everything else answers 204).
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fixtures.processes import wait_until


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that arrived."""

    method: str
    url: str
    """The whole one, as the sender wrote it."""
    path: str
    parameters: dict[str, str]
    """Of the form in the body, or of the query."""
    form: dict[str, str]
    """Of the form in the body alone; what a signature covers besides the URL."""
    headers: dict[str, str]
    """Their names in lower case."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml"
    delay: float = 0.0


@dataclass
class WebhookSite:
    """The site."""

    server: ThreadingHTTPServer
    requests: list[Arrival] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def url(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def answer(self, path: str, *bodies: str, **details: Any) -> None:
        """Let a path answer so: the first body first, the last one from then on."""
        self.answers[path] = [Answer(body.encode(), **details) for body in bodies or ("",)]

    def at(self, path: str) -> list[Arrival]:
        """Return what arrived at a path, in order."""
        return [arrival for arrival in list(self.requests) if arrival.path == path]

    def wait_for(self, path: str, count: int = 1) -> list[Arrival]:
        """Return what arrived at a path as soon as it is so many."""

        wait_until(lambda: len(self.at(path)) >= count, what=f"{count} requests at {path}")
        return self.at(path)

    def take_answer(self, path: str) -> Answer:
        """Return what a path answers now."""
        waiting = self.answers.get(path)
        if not waiting:
            return Answer(status=204)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _handler(sites: list[WebhookSite]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or the peer's delayed acknowledgement costs 40 ms

        def do_GET(self) -> None:
            self._serve("")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _serve(self, body: str) -> None:
            site = sites[0]
            parts = urlsplit(self.path)
            form = dict(parse_qsl(body, keep_blank_values=True))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = site.take_answer(parts.path)
            site.requests.append(
                Arrival(self.command, site.url(self.path), parts.path, {**query, **form}, form, headers)
            )
            time.sleep(answer.delay)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_arguments: object) -> None:
            """Keep silent."""

    return Handler


@pytest.fixture
def webhook_site() -> Iterator[WebhookSite]:
    """A web site on loopback that records its requests."""
    sites: list[WebhookSite] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sites))
    server.daemon_threads = True
    sites.append(WebhookSite(server))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield sites[0]
    server.shutdown()
    thread.join()
    server.server_close()
