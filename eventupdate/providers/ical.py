"""iCalendar (RFC 5545): the provider of feeds and of uploaded files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from django.conf import settings

from common.errors import AddressError, FeedError, ProviderError
from common.http import Fetched, fetch
from eventupdate.lines import MAX_BYTES, read_feed
from eventupdate.reading import Reading
from eventupdate.resources import resources_of
from registration.models import Calendar

_SCHEMES: Final = {"webcal": "https", "webcals": "https", "http": "http", "https": "https"}
_CHARSET: Final = re.compile(r"charset=\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_OK, _NOT_MODIFIED, _SERVER_ERROR = 200, 304, 500
_MARK_LENGTH: Final = 16
_MAX_ETAG: Final = 280
_STATUSES: Final[Mapping[int, str]] = {
    401: "The calendar's server requires a user name and a password, or rejects those that are stored.",
    403: "The calendar's server refuses access. The address may contain a key that is no longer valid.",
    404: "There is no calendar at this address any more, or not yet.",
    410: "There is no calendar at this address any more.",
    429: "The calendar's server asks for fewer requests.",
}
_IN_CLEAR: Final = (
    "It is fetched over http, so others in the network can read and change it. Use https if possible."
)


def read_address(calendar: Calendar, *, is_fresh: bool) -> Reading | None:
    """Fetch and read the feed at the calendar's address (a ``Provider``)."""
    mark = _mark(calendar)
    fetched = _fetch(calendar, _validators(calendar, mark) if is_fresh else {})
    if fetched.status == _NOT_MODIFIED and is_fresh:
        return None
    if fetched.status != _OK:
        raise FeedError(_refusal(fetched.status))
    reading = _read(calendar, fetched.body, _charset(fetched), is_fresh=is_fresh)
    validators = _validators_of(fetched, mark)
    if reading is None:
        if all(getattr(calendar, name) == value for name, value in validators.items()):
            return None
        # The text is the same, but the next request has to send the new ETag.
        reading = Reading([], is_whole=False)
    is_safe = split_address(calendar.url)[0].startswith("https:")
    return replace(reading, state={**reading.state, **validators}, notes=() if is_safe else (_IN_CLEAR,))


def read_upload(calendar: Calendar, *, is_fresh: bool) -> Reading | None:
    """Read the file that was uploaded (a ``Provider``)."""
    return _read(calendar, calendar.content.encode(), "", is_fresh=is_fresh)


def split_address(address: str) -> tuple[str, str, str]:
    """Return the URL to fetch, and the user name and password that the address contained.

    ``webcal:`` means https. Raises ``FeedError`` for text that is no web address.
    """
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    scheme = _SCHEMES.get(parts.scheme.lower(), "")
    if not host or not scheme:
        msg = "This is not the address of a calendar. It begins with https://, http:// or webcal://."
        raise FeedError(msg, field="url")
    host = f"[{host}]" if ":" in host else host
    netloc = host if port is None else f"{host}:{port}"
    url = urlunsplit((scheme, netloc, parts.path, parts.query, ""))
    return url, unquote(parts.username or ""), unquote(parts.password or "")


def _fetch(calendar: Calendar, validators: Mapping[str, str]) -> Fetched:
    url, username, password = split_address(calendar.url)
    if calendar.user_name or calendar.password:
        username, password = calendar.user_name, calendar.password
    try:
        return fetch(
            url,
            max_bytes=MAX_BYTES,
            timeout=settings.NOTICE_FEED_SECONDS,
            headers={"Accept": "text/calendar, */*;q=0.5", **validators},
            username=username,
            password=password,
        )
    except AddressError as error:
        raise FeedError(error.message, field="url") from error
    except ProviderError as error:
        msg = f"The calendar can't be fetched: {error}."
        raise FeedError(msg) from error


def _mark(calendar: Calendar) -> str:
    """Return a mark of address and user: stored validators of another address don't count."""
    return sha256(f"{calendar.url}\n{calendar.user_name}".encode()).hexdigest()[:_MARK_LENGTH]


def _validators(calendar: Calendar, mark: str) -> dict[str, str]:
    stored_mark, _, etag = calendar.etag.partition(" ")
    if stored_mark != mark:
        return {}
    headers = {"If-None-Match": etag, "If-Modified-Since": calendar.last_modified}
    return {name: value for name, value in headers.items() if value and value.isprintable()}


def _validators_of(fetched: Fetched, mark: str) -> dict[str, str]:
    """Return the columns with the validators for the next conditional request."""
    etag = fetched.headers.get("etag", "")
    return {
        "etag": f"{mark} {etag}" if etag and len(etag) <= _MAX_ETAG else mark,
        "last_modified": fetched.headers.get("last-modified", "")[:100],
    }


def _charset(fetched: Fetched) -> str:
    found = _CHARSET.search(fetched.headers.get("content-type", ""))
    return found[1] if found and found[1].lower() not in {"utf-8", "utf8"} else ""


def _refusal(status: int) -> str:
    if status >= _SERVER_ERROR:
        return f"The calendar's server has an error (status {status})."
    return _STATUSES.get(
        status, f"The calendar's server answered with status {status} instead of a calendar."
    )


def _read(calendar: Calendar, content: bytes, charset: str, *, is_fresh: bool) -> Reading | None:
    digest = sha256(content).hexdigest()
    if is_fresh and digest == calendar.content_hash:
        return None
    feed = read_feed(content, charset)
    return Reading(resources_of(feed), time_zone=feed.time_zone, state={"content_hash": digest})
