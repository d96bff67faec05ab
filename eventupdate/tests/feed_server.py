"""A web server with one calendar, which does what calendar servers do, and what they should not."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from hashlib import sha256

from tests import web_server

Answer = Callable[["Handler"], None]


class Handler(web_server.Handler):
    """Answers a request for the calendar."""

    def _answer(self) -> None:
        feed: FeedServer = self.server.site
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

    do_GET = _answer  # noqa: N815 - its name in the library

    def give(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a body."""
        usual = {"Content-Type": "text/calendar; charset=utf-8", "Last-Modified": formatdate(0, usegmt=True)}
        super().give(status, body, {**usual, **(headers or {})})


class FeedServer(web_server.WebServer):
    """Serves ``content``."""

    def __init__(self, content: str = "") -> None:
        super().__init__(Handler)
        self.content = content.encode()
        self.answer: Answer | None = None
        """What to do in place of serving ``content``."""
        self.has_etag = True
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.url = f"http://{self.address}/calendar.ics"

    @property
    def etag(self) -> str:
        """The entity tag of the present content."""
        return f'"{sha256(self.content).hexdigest()[:20]}"'

    def serve(self, content: str) -> None:
        """Serve another content from now on."""
        self.content = content.encode()
        self.answer = None
