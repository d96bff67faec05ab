"""Requests to a provider and their replies."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

# Named tuples, because one of each is made for every message of the firing path, and a frozen
# dataclass of this size takes three times as long to make.


class Failure(StrEnum):
    """Why there is no answer, and with it whether the request may be made once more."""

    NOT_SENT = "not_sent"
    """Nothing of it was given to a server (no connection, no such name, a certificate that is
    not trusted, an address that can't be used): it may be repeated."""
    UNKNOWN = "unknown"
    """It was written, at least in part, and no complete answer came: the server may have acted on it."""
    PRIVATE = "private"
    """Refused by us, because the address lies inside a private network. Nothing was sent."""


class Request(NamedTuple):
    """One request. ``url`` is ASCII, as ``check_public_url`` returns it."""

    url: str
    body: bytes = b""
    headers: tuple[str, ...] = ()
    """Lines ``"Name: value"``. The same tuple for many requests is set once."""
    tag: Any = None
    """Passed through to the reply, for the caller's use."""
    method: str = "POST"
    timeout: float | None = None
    """In seconds, for everything from the connection to the last byte; None takes the exchange's."""
    is_guarded: bool = True
    """Refuse private addresses. False only for configured addresses (a provider's API), never for a
    member's."""
    is_repeatable: bool = False
    """It is idempotent for the server. If not, it is never repeated, not even when a
    kept-alive connection turns out to be closed (HTTP clients usually do that by themselves)."""
    wanted_headers: frozenset[bytes] = frozenset()
    """The names, in lower case, of the answer headers to keep."""


class Reply(NamedTuple):
    """The result of one request."""

    tag: Any
    status: int = 0
    """Of the answer; 0 where none came."""
    body: bytes = b""
    """At most the first 64 KiB."""
    retry_after: timedelta | None = None
    """From the header Retry-After, given as seconds or as a date (RFC 9110, 10.2.3)."""
    error: Failure | None = None
    """None if a complete answer came, or the head of a refusal (status 400 and above)."""
    reason: str = ""
    """For a person: why there is an error."""
    headers: Mapping[str, str] = NO_HEADERS
    """The wanted headers that came, by their names in lower case."""
    is_timeout: bool = False
    """The error is that it took too long."""
