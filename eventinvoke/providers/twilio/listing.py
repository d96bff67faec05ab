"""Asking Twilio what it took, when the answer to a creation was lost.

Twilio lists the calls and messages to a number, the newest first. Two things make the filters on
dates useless: what is still queued has no StartTime and no DateSent, and that is just what we look
for. So the list is read without them, and compared by ``date_created``, on Twilio's own clock: the
answer's Date header says what time it is there.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

from common.channels import Message, Outcome, SendResult
from common.clock import now
from common.http import Reply, exchange
from eventinvoke.providers.twilio import rest
from eventinvoke.providers.twilio.answers import is_success

SETTLED_AFTER: Final = timedelta(seconds=rest.TIMEOUT)
"""So long after a try began, what Twilio does not list was not taken: the request has ended by then."""
_LATEST: Final = timedelta(seconds=60)
"""Nothing of a try is created later than this after it began."""
_INEXACT: Final = timedelta(seconds=3)
"""Both clocks are shown in whole seconds, and the answer takes a while."""
_PAGE_SIZE: Final = 20  # an exchange keeps 64 KiB of an answer; a call is about 1.5
_MAX_PAGES: Final = 10
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_NOT_ASKED: Final = "Twilio can't say yet what it did; it will be asked again."
_NOT_TAKEN: Final = "Twilio did not take it; it is sent again."


@dataclass(frozen=True, slots=True)
class Record:
    """One call or message that Twilio took."""

    sid: str
    created_at: datetime
    """On our clock."""
    body: str
    """Of a message; "" for a call."""


Match = Callable[[Message, Record], bool]


@dataclass(slots=True)
class _Search:
    """The search in the list of one number."""

    messages: list[Message]
    next_path: str
    since: datetime
    records: list[Record] = field(default_factory=list)
    pages: int = 0
    is_complete: bool = False


def find(resource: str, messages: Sequence[Message], match: Match) -> Iterator[SendResult]:
    """Say of each message whether Twilio has created a ``resource`` ("Calls", "Messages") for it.

    A record stands for one message at most, and for none whose ``known_ids`` hold it; it has to be
    created while the message was tried, and to ``match``. ACCEPTED, RETRY or UNKNOWN, as
    ``common.channels.Channel.ask`` says.
    """
    by_number: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_number[message.address].append(message)
    searches = [_begin(resource, number, some) for number, some in by_number.items()]
    open_searches = searches
    while open_searches:
        requests = [rest.get(search.next_path, search) for search in open_searches]
        for reply in exchange(requests):
            if reply is not None:
                _read(resource, reply)
        open_searches = [search for search in open_searches if search.next_path]
    for search in searches:
        yield from _judge(search, match)


def _begin(resource: str, number: str, messages: list[Message]) -> _Search:
    messages.sort(key=_started_at)
    query = urlencode({"To": number, "PageSize": _PAGE_SIZE})
    path = f"{rest.account_path()}{resource}.json?{query}"
    return _Search(messages, path, _started_at(messages[0]) - _INEXACT)


def _started_at(message: Message) -> datetime:
    return message.started_at or now() - _LATEST


def _read(resource: str, reply: Reply) -> None:
    """Take in one page of a list, and say in its search which page is next ("" for none)."""
    search: _Search = reply.tag
    path, search.next_path = search.next_path, ""
    found = rest.content(reply)
    rows = found.get(resource.lower())
    if not is_success(reply) or not isinstance(rows, list):
        return
    ahead = _clock_ahead(reply)
    records = [record for row in rows if (record := _record(row, ahead)) is not None]
    if len(records) < len(rows):
        return  # a row that can't be read may be the one that was looked for
    search.records += records
    search.pages += 1
    following = found.get("next_page_uri")
    if not following or (records and records[-1].created_at < search.since):
        search.is_complete = True
    elif _is_ours(following) and following != path and search.pages < _MAX_PAGES:
        search.next_path = following


def _is_ours(path: Any) -> bool:
    """Our credentials go nowhere but to our own account."""
    return (
        isinstance(path, str) and path.startswith(rest.account_path()) and path.isascii() and " " not in path
    )


def _clock_ahead(reply: Reply) -> timedelta:
    """Return how much Twilio's clock is ahead of ours."""
    try:
        there = parsedate_to_datetime(reply.header)
    except (TypeError, ValueError):
        return timedelta(0)
    return there.replace(tzinfo=there.tzinfo or UTC) - now()


def _record(row: Any, ahead: timedelta) -> Record | None:
    if not isinstance(row, Mapping) or not _SID.fullmatch(str(row.get("sid"))):
        return None
    try:
        created_at = parsedate_to_datetime(str(row.get("date_created")))
    except (TypeError, ValueError):
        return None
    created_at = created_at.replace(tzinfo=created_at.tzinfo or UTC) - ahead
    return Record(str(row["sid"]), created_at, str(row.get("body") or ""))


def _judge(search: _Search, match: Match) -> Iterator[SendResult]:
    # The oldest first, so that of several that nothing tells apart the first gets the first.
    records = sorted(search.records, key=lambda record: record.created_at)
    taken: set[str] = set()
    for message in search.messages:
        earliest = _started_at(message) - _INEXACT
        latest = _started_at(message) + _LATEST
        for record in records:
            is_known = record.sid in taken or record.sid in message.known_ids
            if not is_known and earliest <= record.created_at <= latest and match(message, record):
                taken.add(record.sid)
                yield SendResult(message, Outcome.ACCEPTED, record.sid)
                break
        else:
            is_settled = search.is_complete and now() >= _started_at(message) + SETTLED_AFTER
            yield (
                SendResult(message, Outcome.RETRY, reason=_NOT_TAKEN)
                if is_settled
                else SendResult(message, Outcome.UNKNOWN, reason=_NOT_ASKED)
            )
