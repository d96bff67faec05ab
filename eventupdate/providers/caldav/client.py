"""Requests to a CalDAV server: which address gets the password, and what its errors mean.

The password is sent to the server that the member named, and to servers of the same domain that this
server names (iCloud has calendars on several servers). It is sent over https only, except inside
``NOTICE_ALLOWED_PRIVATE_NETWORKS``.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes, urljoin, urlsplit

from django.conf import settings

from common.errors import AddressError, FeedError, ProviderError
from common.http import Fetched, check_public_url, fetch, is_inside
from eventupdate.lines import MAX_BYTES
from eventupdate.providers.caldav import xml
from eventupdate.reading import RefusedError

READING_SECONDS: Final = 180.0
"""The limit for all requests of one reading together, far below the lease of a sync."""
MULTI_STATUS, UNAUTHORISED, FORBIDDEN, GONE, TOO_MANY, FAULT = 207, 401, 403, 410, 429, 500
_NOT_FOUND: Final = 404
_NO_SUCH_METHOD: Final = 501
_CONTENT_TYPE: Final = "application/xml; charset=utf-8"
_SCHEMES: Final = {"http": "http", "https": "https", "caldav": "https", "caldavs": "https", "webcal": "https"}
_SAFE: Final = "!$&'()*+,;=:@~-._"
_DOMAIN_LABELS: Final = 2


@dataclass(frozen=True, slots=True)
class Account:
    """Where a server is, and who asks it."""

    url: str
    user_name: str
    password: str = field(repr=False)


class Client:
    """Sends requests for one account, for at most ``seconds`` in total."""

    def __init__(self, account: Account, seconds: float = READING_SECONDS) -> None:
        """Use an account. Raises ``FeedError`` if its password would be sent unencrypted over the internet."""
        self._account = account
        self._deadline = time.monotonic() + seconds
        self.is_plain = account.url.startswith("http:")
        """Whether the requests are unencrypted (http)."""
        if self.is_plain and not is_inside(account.url):
            msg = "With http:// the password would be sent unencrypted. Enter the server's https:// address."
            raise FeedError(msg, field="url")

    def propfind(self, url: str, names: Iterable[str], depth: int) -> Fetched:
        """Request properties of a resource (depth 0), or of it and its members (depth 1)."""
        return self._ask("PROPFIND", url, xml.propfind(names), depth)

    def report(self, url: str, body: bytes, depth: int) -> Fetched:
        """Request a report about a calendar."""
        return self._ask("REPORT", url, body, depth)

    def _ask(self, method: str, url: str, body: bytes, depth: int) -> Fetched:
        seconds = min(settings.NOTICE_FEED_SECONDS, self._deadline - time.monotonic())
        if seconds <= 0:
            msg = "The calendar can't be read: its server takes too long."
            raise FeedError(msg)
        is_ours = is_kin(self._account.url, url)
        try:
            return fetch(
                url,
                method=method,
                body=body,
                headers={
                    "Depth": str(depth),
                    "Content-Type": _CONTENT_TYPE,
                    "Accept": "application/xml, text/xml",
                },
                max_bytes=MAX_BYTES,
                timeout=seconds,
                username=self._account.user_name if is_ours else "",
                password=self._account.password if is_ours else "",
            )
        except AddressError as error:
            raise FeedError(error.message, field="url") from error
        except ProviderError as error:
            msg = f"The calendar's server can't be reached: {error}."
            raise FeedError(msg, field="url") from error


def multistatus(fetched: Fetched) -> xml.Multistatus:
    """Return the parsed response. Raises ``RefusedError`` or ``FeedError`` unless it is a 207."""
    if fetched.status == MULTI_STATUS:
        return xml.read_multistatus(fetched.body)
    raise refusal(fetched.status)


def refusal(status: int) -> FeedError:
    """Return the error for a status."""
    if status == UNAUTHORISED:
        return RefusedError("The calendar's server rejects this user name and password.", field="password")
    if status == FORBIDDEN:
        return RefusedError(
            "The calendar's server does not let this user read the calendar.", field="user_name"
        )
    if status in {_NOT_FOUND, GONE}:
        return FeedError("There is no calendar at this address any more.", field="url")
    if status == TOO_MANY:
        return FeedError("The calendar's server asks for fewer requests.")
    if status >= FAULT and status != _NO_SUCH_METHOD:
        return FeedError(f"The calendar's server has an error (status {status}).")
    return FeedError(f"There is no CalDAV server at this address (status {status}).", field="url")


def typed_url(address: str) -> str:
    """Return the URL of a server that a member typed; without a scheme it is https.

    Raises ``AddressError`` for an address that is invalid or private.
    """
    text = address.strip()
    scheme, separator, rest = text.partition("://")
    known = _SCHEMES.get(scheme.lower(), scheme) if separator else "https"
    return check_public_url(
        f"{known}://{rest if separator else text}", schemes=("https", "http"), field="url"
    )


def is_kin(one: str, other: str) -> bool:
    """Say whether the password for one address may be sent to another.

    Allowed are the same origin, and over https a domain and its hosts ("example.org" and
    "dav.example.org") and hosts of one domain ("caldav.icloud.com" and "p34-caldav.icloud.com"): the
    server that names the other one has the password already.
    """
    first, second = urlsplit(one), urlsplit(other)
    if (first.scheme, first.netloc) == (second.scheme, second.netloc):
        return True
    if (first.scheme, second.scheme) != ("https", "https"):
        return False
    names, others = _labels(first.hostname), _labels(second.hostname)
    return any(
        len(domain) >= _DOMAIN_LABELS and names[-len(domain) :] == others[-len(domain) :] == domain
        for domain in (names, others, names[1:])
    )


def _labels(host: str | None) -> list[str]:
    """Return the labels of a host name; none for an IP address, which has no domain."""
    labels = (host or "").split(".")
    return [] if ":" in (host or "") or labels[-1].isdigit() else labels


def absolute(base: str, href: str) -> str:
    """Return the normalised absolute URL of an href in a response.

    Raises ``FeedError`` for an href that is no web address.
    """
    try:
        parts = urlsplit(urljoin(base, href))
        port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
        host = parts.netloc.lower().removesuffix(port)
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host or "@" in host:
        msg = "The server names an address that can't be read."
        raise FeedError(msg)
    return f"{parts.scheme}://{host}{normalised(parts.path)}"


def normalised(path: str) -> str:
    """Return a path with a normalised percent-encoding; "%2f" stays encoded (RFC 3986 section 6.2.2)."""
    return "/".join(quote_from_bytes(unquote_to_bytes(part), _SAFE) for part in path.split("/")) or "/"
