"""Fetching one document from an address of a member (a feed, a report), bounded in bytes and time."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

import pycurl

from common.errors import AddressError, PrivateAddressError, ProviderError
from common.http.addresses import check_public_url
from common.http.handles import Guard, ca_file, new_handle, set_headers

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_UNAUTHORISED: Final = 401
_MAX_HEADER_BYTES: Final = 65_536
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class _Question:
    """The request, which stays the same over redirects: method and body do not change."""

    method: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)
    credentials: tuple[str, str] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer, of any status; redirects were followed."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case; of a header that came twice, the last."""
    body: bytes
    """Decompressed."""
    final_url: str
    """Where the redirects led."""


class _Collector:
    """Receives one answer and stops libcurl as soon as it is too large."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.body = bytearray()
        self.headers: dict[str, str] = {}
        self.challenges: set[str] = set()
        """The ways to sign in that the server offers, in lower case."""
        self.header_bytes = 0
        self.is_too_large = False

    def take_body(self, chunk: bytes) -> int:
        """Store a decompressed piece, or return -1 ("stop") when the answer is too large."""
        if len(self.body) + len(chunk) > self.max_bytes:
            self.is_too_large = True
            return -1
        self.body += chunk
        return len(chunk)

    def take_header(self, line: bytes) -> int:
        """Store a header line; a status line resets the headers."""
        self.header_bytes += len(line)
        if self.header_bytes > _MAX_HEADER_BYTES:
            self.is_too_large = True
            return -1
        if line.startswith(b"HTTP/"):
            self.headers.clear()
            self.challenges.clear()
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.headers[name.strip().lower()] = value.strip()
            if name.strip().lower() == "www-authenticate":
                self.challenges.add(value.split(maxsplit=1)[0].lower() if value.strip() else "")
        return len(line)


def fetch(  # noqa: PLR0913 - all of them are named
    url: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    max_bytes: int = 10_000_000,
    timeout: float = 30.0,
    headers: Mapping[str, str] | None = None,
    username: str = "",
    password: str = "",
    max_redirects: int = 5,
    schemes: Collection[str] = ("https", "http"),
    is_guarded: bool = True,
) -> Fetched:
    """Get one document. Redirects are followed, and each is checked like the first address.

    ``method`` and ``body`` are for other methods that read (WebDAV's PROPFIND and REPORT, RFC 4918 and
    RFC 3253); they are sent again after a redirect. ``max_bytes`` counts decompressed bytes (gzip,
    deflate, brotli), ``timeout`` is in seconds and covers everything. ``headers`` may carry ``If-None-Match`` and
    ``If-Modified-Since``; an answer 304 then has no body. The user name and password are sent to
    the origin of ``url`` alone, and a redirect from https to http is refused. They go as Basic
    (RFC 7617), and once more as Digest (RFC 7616) where the server asks for that alone.

    Private addresses are refused. ``is_guarded`` is False only for configured addresses (a provider's API,
    a token server), never for a member's; those are used as they are.

    Raises ``AddressError`` for an address that can't be used, ``PrivateAddressError`` for one
    inside a private network, and ``ProviderError`` if no complete answer came: no connection, a
    certificate that is not trusted, too large, too slow, broken off.
    """
    current = check_public_url(url, schemes=schemes, is_resolved=False) if is_guarded else url
    credentials = (username, password) if username or password else None
    question = _Question(method, body, headers or {}, credentials)
    session = _Session(question, _origin(current), time.monotonic() + timeout, is_guarded=is_guarded)
    try:
        for number in range(max_redirects + 1):
            status, collector = session.ask(current, max_bytes)
            location = collector.headers.get("location", "")
            if status not in _REDIRECTS or not location:
                return Fetched(status, collector.headers, bytes(collector.body), current)
            if number < max_redirects:
                current = _next_url(current, location, schemes)
    finally:
        session.close()
    msg = f"the server sent us on more than {max_redirects} times"
    raise ProviderError(msg)


class _Session:
    """One handle for the request and its redirects."""

    def __init__(
        self, question: _Question, home: tuple[str, str], deadline: float, *, is_guarded: bool
    ) -> None:
        self._question = question
        self._home = home
        self._deadline = deadline
        self._guard = Guard()
        self._curl = new_handle(self._guard if is_guarded else None, ca_file())

    def close(self) -> None:
        """Close its connection."""
        self._curl.close()

    def ask(self, url: str, max_bytes: int) -> tuple[int, _Collector]:
        """Request one address; return the status and the answer."""
        status, collector = self._perform(url, max_bytes, pycurl.HTTPAUTH_BASIC)
        if status == _UNAUTHORISED and _wants_digest(collector) and self._credentials(url):
            return self._perform(url, max_bytes, pycurl.HTTPAUTH_DIGEST)
        return status, collector

    def _is_home(self, url: str) -> bool:
        return _origin(url) == self._home

    def _credentials(self, url: str) -> tuple[str, str] | None:
        return self._question.credentials if self._is_home(url) else None

    def _perform(self, url: str, max_bytes: int, authentication: int) -> tuple[int, _Collector]:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            msg = "the server took too long"
            raise ProviderError(msg)
        collector = _Collector(max_bytes)
        curl = self._curl
        self._guard.has_refused = False
        curl.setopt(pycurl.URL, url)
        set_headers(curl, _header_lines(self._question.headers, is_home=self._is_home(url)))
        curl.setopt(pycurl.ACCEPT_ENCODING, "gzip, deflate, br")
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(seconds * 1000)))
        curl.setopt(pycurl.WRITEFUNCTION, collector.take_body)
        curl.setopt(pycurl.HEADERFUNCTION, collector.take_header)
        if self._question.method != "GET":
            curl.setopt(pycurl.POSTFIELDS, self._question.body)
            curl.setopt(pycurl.CUSTOMREQUEST, self._question.method)
        _set_credentials(curl, self._credentials(url), authentication)
        try:
            curl.perform()
        except pycurl.error as error:
            raise _reason(error, self._guard, collector) from None
        return int(curl.getinfo(pycurl.RESPONSE_CODE)), collector


def _set_credentials(curl: pycurl.Curl, credentials: tuple[str, str] | None, authentication: int) -> None:
    curl.unsetopt(pycurl.USERNAME)
    curl.unsetopt(pycurl.PASSWORD)
    if credentials is not None:
        curl.setopt(pycurl.HTTPAUTH, authentication)
        curl.setopt(pycurl.USERNAME, credentials[0].encode())  # UTF-8: RFC 7617 section 2.1
        curl.setopt(pycurl.PASSWORD, credentials[1].encode())


def _wants_digest(collector: _Collector) -> bool:
    """Say whether the server takes Digest and not Basic."""
    return "digest" in collector.challenges and "basic" not in collector.challenges


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _next_url(current: str, location: str, schemes: Collection[str]) -> str:
    following = check_public_url(
        urljoin(current, location.replace(" ", "%20")), schemes=schemes, is_resolved=False
    )
    if current.startswith("https:") and not following.startswith("https:"):
        msg = "The server sends us on from https to http, which is not safe; give the https address."
        raise AddressError(msg, field="address")
    return following


def _header_lines(headers: Mapping[str, str], *, is_home: bool) -> list[str]:
    return [
        f"{name}: {value}"
        for name, value in headers.items()
        if is_home or name.lower() not in _SECRET_HEADERS
    ]


def _reason(error: pycurl.error, guard: Guard, collector: _Collector) -> Exception:
    code = int(error.args[0])
    if collector.is_too_large:
        return ProviderError("the answer is too large")
    if guard.has_refused and code == pycurl.E_COULDNT_CONNECT:
        msg = "This address leads into a private network. Give one that is reachable on the internet."
        return PrivateAddressError(msg, field="address")
    return ProviderError(SENTENCES.get(code, "the server gave no answer that can be read"))


SENTENCES: Final[Mapping[int, str]] = {
    pycurl.E_COULDNT_RESOLVE_HOST: "the name of the server can't be found",
    pycurl.E_COULDNT_CONNECT: "the server can't be reached",
    pycurl.E_OPERATION_TIMEDOUT: "the server took too long",
    pycurl.E_PEER_FAILED_VERIFICATION: "the certificate of the server is not trusted",
    pycurl.E_SSL_CONNECT_ERROR: "no secure connection with the server came about",
    pycurl.E_PARTIAL_FILE: "the answer broke off",
    pycurl.E_RECV_ERROR: "the connection broke off",
    pycurl.E_SEND_ERROR: "the connection broke off",
    pycurl.E_GOT_NOTHING: "the server closed the connection without an answer",
    pycurl.E_HTTP2: "the connection broke off",
    pycurl.E_BAD_CONTENT_ENCODING: "the compressed answer can't be read",
}
"""libcurl's error codes as sentences for a person; other codes get a general sentence."""
