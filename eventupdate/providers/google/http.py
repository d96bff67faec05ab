"""Transports for Google's libraries that use ``common.http``, with limits of bytes and time.

Their own transports (httplib2, requests) limit the wait for a piece of a response, but not its total
time or size; they also follow redirects and use the environment's proxies. So google-auth gets a
``Request``, the API's client an ``http`` object, and google-auth-oauthlib's session an adapter.

All addresses are settings, so private ones are not refused here.
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
"""Most bytes of a page after decompression: enough for 2,500 entries with hundreds of guests."""
MAX_TOKEN_BYTES: Final = 200_000
TOKEN_SECONDS: Final = 20.0
# Headers that libcurl sets itself.
_OWN_HEADERS: Final = frozenset({"accept-encoding", "content-length", "user-agent", "connection"})


class Deadline:
    """The time limit of a reading, shared by its requests."""

    def __init__(self, seconds: float) -> None:
        """Start the time."""
        self._until = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds for the next request. Raises ``ProviderError`` after the deadline."""
        left = self._until - monotonic()
        if left <= 0:
            msg = "it took too long"
            raise ProviderError(msg)
        return min(left, float(settings.NOTICE_FEED_SECONDS))


class ApiHttp:
    """The ``http`` object of google-api-python-client."""

    def __init__(self, deadline: Deadline) -> None:
        """Allow requests until the deadline."""
        self._deadline = deadline

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: Any,
    ) -> tuple[HttplibResponse, bytes]:
        """Send a request. Raises ``ProviderError`` without a complete response."""
        fetched = _send(uri, method, body, headers, MAX_PAGE_BYTES, self._deadline.left())
        return HttplibResponse({**fetched.headers, "status": str(fetched.status)}), fetched.body


class _Answer(Response):
    """A response for google-auth."""

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
    """The transport with which google-auth refreshes tokens."""

    def __init__(self, deadline: Deadline) -> None:
        """Allow requests until the deadline."""
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
        """Send a request. Raises google-auth's ``TransportError`` without a complete response."""
        del timeout
        try:
            return _Answer(_send(url, method, body, headers, MAX_TOKEN_BYTES, self._deadline.left()))
        except ProviderError as error:
            raise TransportError(str(error)) from error  # type: ignore[no-untyped-call]


class SessionAdapter(BaseAdapter):
    """The adapter for the session of google-auth-oauthlib. Raises ``ProviderError``."""

    def send(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Send a request, and return its response as an object of ``requests``."""
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
        """Do nothing: no connection is kept open."""


def revoke(url: str, token: str) -> bool:
    """Revoke a token; say whether the server accepted. Raises ``ProviderError``."""
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
