"""A proxy in front of a real CalDAV server: it keeps what was asked, and spoils answers where a test says so."""

from collections.abc import Callable
from http.client import HTTPConnection
from typing import NamedTuple

from tests.web_server import Handler, WebServer


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


class _Handler(Handler):
    def _pass_on(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.read_body())
        proxy: DavProxy = self.server.site
        proxy.asked.append(asked)
        answered = proxy.spoil(asked, proxy.forward(asked))
        self.give(answered.status, answered.body, answered.headers)

    do_GET = do_PROPFIND = do_REPORT = _pass_on  # noqa: N815 - their names in the library


class DavProxy(WebServer):
    """Passes everything on to a port of loopback."""

    def __init__(self, port: int) -> None:
        super().__init__(_Handler)
        self.asked: list[Asked] = []
        self.spoil: Spoil = lambda _asked, answered: answered
        self._port = port
        self.url = f"http://{self.address}"

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
