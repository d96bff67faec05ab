"""What is in a CalDAV calendar: its entries' names and ETags, what changed, and the entries themselves."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from common.errors import FeedError
from eventupdate.lines import MAX_BYTES, MAX_ENTRIES
from eventupdate.providers.caldav import xml
from eventupdate.providers.caldav.client import Client, absolute, multistatus
from eventupdate.resources import key_of

BATCH: Final = 100
"""Entries that are asked for at once."""
_MAX_PARTS: Final = 1000
_NAMES: Final = (f"{xml.DAV}getetag", f"{xml.DAV}getcontenttype", f"{xml.DAV}resourcetype")
_COMPONENT: Final = re.compile(r";\s*component\s*=\s*\"?([A-Za-z]+)", re.IGNORECASE)
_GONE: Final = frozenset({403, 404, 410})
_TRUNCATED: Final = 507
_NO_SUCH_REPORT: Final = frozenset({*range(400, 500), 501, _TRUNCATED}) - {401, 408, 425, 429}


class Member(NamedTuple):
    """An entry of a calendar."""

    href: str
    """As the server writes it."""
    etag: str


@dataclass(slots=True)
class Members:
    """Entries by key, and the keys of those that are gone."""

    present: dict[str, Member] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    token: str = ""
    """From where the next sync-collection report goes on; "" without one."""


class Given(NamedTuple):
    """An entry as the server gave it out; its text is "" for one that is gone meanwhile."""

    key: str
    etag: str
    text: str


def changes_since(client: Client, url: str, token: str) -> Members | None:
    """Return what changed since a token; with "" all that there is (RFC 6578).

    None where the server knows no such report, or no longer that token (section 3.2). A result that
    comes in parts (section 3.6) is put together.
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
    msg = "The calendar's server gives it out in parts and never comes to an end."
    raise FeedError(msg)


def list_members(client: Client, url: str) -> Members:
    """Return all that there is, where the server has no better way to tell (RFC 4791 section 8.2.1.3)."""
    answer = client.propfind(url, _NAMES, 1)
    found = Members()
    responses = multistatus(answer).responses
    has_own = any(one.has(f"{xml.DAV}resourcetype", f"{xml.CALDAV}calendar") for one in responses)
    if not _take(found, responses, answer.final_url) or not has_own:
        msg = "The calendar's server does not list all of its entries."
        raise FeedError(msg)
    return found


def give_out(client: Client, url: str, wanted: Mapping[str, Member]) -> Iterator[Given]:
    """Yield entries as they are now. Raises ``FeedError`` where the server leaves one out."""
    size = 0
    keys = iter(wanted)
    while some := list(islice(keys, BATCH)):
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
        msg = "The calendar's server does not give out all of its entries."
        raise FeedError(msg)
    return Given(key, response.text(f"{xml.DAV}getetag") or member.etag, text)


def _take(found: Members, responses: Iterable[xml.Response], url: str) -> bool:
    """Add what an answer says to what was found; say whether that was all of it."""
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
    """Say whether a member may be an event: no task, no journal, no folder."""
    if response.has(f"{xml.DAV}resourcetype", f"{xml.DAV}collection"):
        return False
    component = _COMPONENT.search(response.text(f"{xml.DAV}getcontenttype"))
    return component is None or component[1].upper() == "VEVENT"


def _path(url: str, href: str) -> str:
    return urlsplit(absolute(url, href)).path.rstrip("/")


def _key(url: str, href: str) -> str:
    return key_of(_path(url, href))
