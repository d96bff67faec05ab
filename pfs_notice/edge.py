"""What the web server (granian, RSGI) serves: an event loop reads bodies, threads run Django.

A thread is taken when the whole request is here and is free again once the answer is made: a client that sends or
reads slowly holds none. Bodies are bounded by their route before they are read (``body_limits``) and have a
deadline. The interface: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final, Protocol, runtime_checkable

from django.conf import settings

from common.process_name import name_process
from pfs_notice.body_limits import DEFAULT, declared_length, limit_of, refusal
from pfs_notice.mount import mounted
from pfs_notice.wsgi import application as django

BODY_SECONDS: Final = 10.0
"""How long a client may take for a body of up to ``body_limits.DEFAULT`` bytes."""
LARGE_BODY_SECONDS: Final = 60.0
"""And for a larger one."""
LARGE_BODIES: Final = 8
"""So many larger ones are read at once, as they are kept in memory."""

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Scope(Protocol):
    """What granian says of a request."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


class Exchange(Protocol):
    """A request's body and its response."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Send the response."""


@runtime_checkable
class Closable(Protocol):
    """A response that has something to close (PEP 3333)."""

    def close(self) -> None:
        """Close it."""


class RefusedError(Exception):
    """A body that is not read to its end."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Edge:
    """The application: one for each process of the web server."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._large = 0

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Permit as many open files, thus connections, as the system lets this process have."""
        name_process("web")
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):  # macOS says that there is no limit, and refuses that as one
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        try:
            body = await self._body(scope, exchange)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, _respond, scope, body)
        except RefusedError as refused:
            kind, text = refusal(refused.status, scope.headers.get("content-type", ""))
            answer = refused.status, [("content-type", kind), ("connection", "close")], text.encode()
        exchange.response_bytes(*answer)

    async def _body(self, scope: Scope, exchange: Exchange) -> bytes:
        """Return the body. Raises ``RefusedError`` where it is too large, too slow or not whole."""
        if "transfer-encoding" in scope.headers:
            raise RefusedError(
                HTTPStatus.LENGTH_REQUIRED
            )  # it can't be told whether a chunked body came whole
        length = declared_length(scope.headers.get("content-length", "0"))
        if length > DEFAULT and length > limit_of(mounted(scope.path)):
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if length <= DEFAULT:
            return await _read(exchange, length, BODY_SECONDS)
        with self._place():
            return await _read(exchange, length, LARGE_BODY_SECONDS)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._large >= LARGE_BODIES:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE)
        self._large += 1
        try:
            yield
        finally:
            self._large -= 1


async def _read(exchange: Exchange, length: int, seconds: float) -> bytes:
    pieces, body = aiter(exchange), bytearray()
    try:
        async with asyncio.timeout(seconds):
            while len(body) < length:
                body += await anext(pieces)
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT) from None
    except StopAsyncIteration:
        raise RefusedError(HTTPStatus.BAD_REQUEST) from None  # the client broke off
    return bytes(body)


def _respond(scope: Scope, body: bytes) -> Answer:
    """Run Django in this thread and return the whole response."""
    status, headers = 0, []
    written: list[bytes] = []

    def start(line: str, given: Headers, _error: object = None, /) -> Callable[[bytes], object]:
        nonlocal status, headers
        status, headers = int(line[:3]), given
        return written.append

    response = django(_environ(scope, body), start)
    try:
        content = b"".join((*written, *response))
    finally:
        if isinstance(response, Closable):
            response.close()
    return status, headers, content


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return the request as PEP 3333 has it. Granian gives headers in ASCII only, and leaves others out."""
    name, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for key, value in scope.headers.items():
        if key == "content-type":
            environ["CONTENT_TYPE"] = value
        elif key != "content-length" and "_" not in key:  # or X_Forwarded_For would count as X-Forwarded-For
            word = "HTTP_" + key.upper().replace("-", "_")
            between = "; " if key == "cookie" else ", "  # RFC 6265, 4.2.1; RFC 9110, 5.3
            environ[word] = f"{environ[word]}{between}{value}" if word in environ else value
    return environ


application: Final = Edge(settings.NOTICE_WEB_THREADS)
