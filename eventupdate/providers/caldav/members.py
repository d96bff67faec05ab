"""The members of a CalDAV calendar: listing them with their ETags, their changes, and their content."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from common.chunks import chunks
from common.errors import FeedError
from eventupdate.lines import MAX_BYTES, MAX_ENTRIES
from eventupdate.providers.caldav import xml
from eventupdate.providers.caldav.client import Client, absolute, multistatus
from eventupdate.resources import key_of

BATCH: Final = 100
"""Entries per multiget request."""
_MAX_PARTS: Final = 1000
_NAMES: Final = (f"{xml.DAV}getetag", f"{xml.DAV}getcontenttype", f"{xml.DAV}resourcetype")
_COMPONENT: Final = re.compile(r";\s*component\s*=\s*\"?([A-Za-z]+)", re.IGNORECASE)
_GONE: Final = frozenset({403, 404, 410})
_TRUNCATED: Final = 507
_NO_SUCH_REPORT: Final = frozenset({*range(400, 500), 501, _TRUNCATED}) - {401, 408, 425, 429}


class Member(NamedTuple):
    """An entry of a calendar."""

    href: str
    """The href of the server, unchanged."""
    etag: str


@dataclass(slots=True)
class Members:
    """Entries by key, and the keys of removed ones."""

    present: dict[str, Member] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    token: str = ""
    """The token for the next sync-collection report, or ""."""


class Given(NamedTuple):
    """The content of an entry; "" if it was removed since it was listed."""

    key: str
    etag: str
    text: str


def changes_since(client: Client, url: str, token: str) -> Members | None:
    """Return the changes since a token; with "" all members (RFC 6578).

    None if the server does not support the report, or rejects the token (section 3.2). Truncated
    results (section 3.6) are continued.
    """
    found = Members()
    for _ in range(_MAX_PARTS):
        answer = client.report(url, xml.sync_collection(token, _NAMES), 0)
        if answer.status in _NO_SUCH_REPORT:
            return None
        part = multistatus(answer)
        if not part.sync_token:
            return None
        is_last = _take(found, part.responses, answer.final_url)
        if is_last:
            found.token = part.sync_token
            return found
        if part.sync_token == token:
            break
        token = part.sync_token
    msg = "The calendar's server sends the calendar in parts without an end."
    raise FeedError(msg)


def list_members(client: Client, url: str) -> Members:
    """Return all members, for servers without sync-collection (RFC 4791 section 8.2.1.3)."""
    answer = client.propfind(url, _NAMES, 1)
    found = Members()
    responses = multistatus(answer).responses
    has_own = any(one.has(f"{xml.DAV}resourcetype", f"{xml.CALDAV}calendar") for one in responses)
    if not _take(found, responses, answer.final_url) or not has_own:
        msg = "The calendar's server does not list all of its entries."
        raise FeedError(msg)
    return found


def give_out(client: Client, url: str, wanted: Mapping[str, Member]) -> Iterator[Given]:
    """Yield the content of entries. Raises ``FeedError`` if the server omits one."""
    size = 0
    for some in chunks(wanted, BATCH):
        answer = client.report(url, xml.multiget(wanted[key].href for key in some), 0)
        given = {
            _key(answer.final_url, response.href): response for response in multistatus(answer).responses
        }
        for key in some:
            one = _given(key, wanted[key], given.get(key))
            size += len(one.text)
            if size > MAX_BYTES:
                msg = f"The calendar is larger than {MAX_BYTES // 1_000_000} MB."
                raise FeedError(msg)
            yield one


def _given(key: str, member: Member, response: xml.Response | None) -> Given:
    if response is not None and response.status in _GONE:
        return Given(key, "", "")
    text = response.text(f"{xml.CALDAV}calendar-data") if response is not None else ""
    if response is None or not text:
        msg = "The calendar's server does not send all of its entries."
        raise FeedError(msg)
    return Given(key, response.text(f"{xml.DAV}getetag") or member.etag, text)


def _take(found: Members, responses: Iterable[xml.Response], url: str) -> bool:
    """Add the members of a response to ``found``; say whether the response was complete."""
    own = _path(url, "")
    is_all = True
    for response in responses:
        if _path(url, response.href) == own:
            is_all = is_all and response.status != _TRUNCATED
            continue
        key = _key(url, response.href)
        if response.status in _GONE or not _may_be_event(response):
            found.present.pop(key, None)
            found.gone.add(key)
        else:
            found.gone.discard(key)
            found.present[key] = Member(response.href, response.text(f"{xml.DAV}getetag"))
    if len(found.present) > MAX_ENTRIES:
        msg = f"The calendar has more than {MAX_ENTRIES} entries."
        raise FeedError(msg)
    return is_all


def _may_be_event(response: xml.Response) -> bool:
    """Say whether a member may be an event: not a task, a journal or a folder."""
    if response.has(f"{xml.DAV}resourcetype", f"{xml.DAV}collection"):
        return False
    component = _COMPONENT.search(response.text(f"{xml.DAV}getcontenttype"))
    return component is None or component[1].upper() == "VEVENT"


def _path(url: str, href: str) -> str:
    return urlsplit(absolute(url, href)).path.rstrip("/")


def _key(url: str, href: str) -> str:
    return key_of(_path(url, href))
