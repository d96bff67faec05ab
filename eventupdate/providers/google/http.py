"""How Google's libraries reach Google: through ``common.http``, bounded in bytes and in time.

Their own transports (httplib2, requests) bound the wait for a single piece of an answer, not the
whole of it, and nothing bounds its size; they also follow redirects and heed the environment's
proxies. So each library gets a small transport of ours: google-auth a ``Request``, the API's
client an ``http`` object, google-auth-oauthlib's session an adapter.

The addresses come from the settings alone, so private ones are not refused here.
"""

import io
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode

import requests
from django.conf import settings
from google.auth.exceptions import TransportError
from google.auth.transport import Request, Response
from httplib2 import Response as HttplibResponse
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest

from common.errors import ProviderError
from common.http import Fetched, fetch

MAX_PAGE_BYTES: Final = 40_000_000
"""Decompressed bytes of one page of events: 2,500 entries with hundreds of guests each stay below."""
MAX_TOKEN_BYTES: Final = 200_000
TOKEN_SECONDS: Final = 20.0
# libcurl asks for what it can undo by itself; the body's length is its business too.
_OWN_HEADERS: Final = frozenset({"accept-encoding", "content-length", "user-agent", "connection"})


class Deadline:
    """The time that a whole reading may take, shared by its requests."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._until = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds for the next request. Raises ``ProviderError`` when there are none left."""
        left = self._until - monotonic()
        if left <= 0:
            msg = "it took too long"
            raise ProviderError(msg)
        return min(left, float(settings.NOTICE_FEED_SECONDS))


class ApiHttp:
    """What google-api-python-client calls its ``http``."""

    def __init__(self, deadline: Deadline) -> None:
        """Make requests until the deadline."""
        self._deadline = deadline

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: Any,
    ) -> tuple[HttplibResponse, bytes]:
        """Make one request. Raises ``ProviderError`` where no whole answer came."""
        fetched = _send(uri, method, body, headers, MAX_PAGE_BYTES, self._deadline.left())
        return HttplibResponse({**fetched.headers, "status": str(fetched.status)}), fetched.body


class _Answer(Response):
    """An answer as google-auth reads it."""

    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched

    @property
    def status(self) -> int:
        return self._fetched.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._fetched.headers

    @property
    def data(self) -> bytes:
        return self._fetched.body


class TokenRequest(Request):
    """What google-auth refreshes a token with."""

    def __init__(self, deadline: Deadline) -> None:
        """Make requests until the deadline."""
        self._deadline = deadline

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_ignored: Any,
    ) -> Response:
        """Make one request. Raises google-auth's ``TransportError`` where no whole answer came."""
        del timeout
        try:
            return _Answer(_send(url, method, body, headers, MAX_TOKEN_BYTES, self._deadline.left()))
        except ProviderError as error:
            raise TransportError(str(error)) from error  # type: ignore[no-untyped-call]


class SessionAdapter(BaseAdapter):
    """What the session of google-auth-oauthlib exchanges a code with. Raises ``ProviderError``."""

    def send(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Make one request, and return its answer as ``requests`` knows it."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        url, method = request.url or "", request.method or "GET"
        fetched = _send(url, method, body, request.headers, MAX_TOKEN_BYTES, TOKEN_SECONDS)
        response = requests.Response()
        response.status_code = fetched.status
        response.headers.update(fetched.headers)
        response.raw = io.BytesIO(fetched.body)
        response.url, response.request, response.encoding = url, request, "utf-8"
        return response

    def close(self) -> None:
        """Nothing is kept open."""


def revoke(url: str, token: str) -> bool:
    """Give a token back; say whether the server took it. Raises ``ProviderError``."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return (
        _send(url, "POST", urlencode({"token": token}), headers, MAX_TOKEN_BYTES, TOKEN_SECONDS).status
        == HTTPStatus.OK
    )


def _send(
    url: str, method: str, body: Any, headers: Mapping[str, str] | None, max_bytes: int, seconds: float
) -> Fetched:
    return fetch(
        url,
        method=method,
        body=body.encode() if isinstance(body, str) else body or b"",
        headers={name: value for name, value in (headers or {}).items() if name.lower() not in _OWN_HEADERS},
        max_bytes=max_bytes,
        timeout=seconds,
        max_redirects=0,
        is_guarded=False,
    )
