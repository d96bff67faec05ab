"""Asking Twilio for the outcome of calls and messages: whether it accepted them, and their progress.

Where Twilio's id is known the one call or message is asked for. Where it is not, because the answer to
the creation was lost, Twilio's list of what went to the number is searched, the newest first. The
list's filters on dates are useless: an entry that is still queued has no StartTime and no DateSent, and may
be the one that is searched for. So the list is read without them, and compared by
``date_created``, on Twilio's own clock: the answer's Date header says what time it is there.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from common.channels import Message, Outcome, SendResult
from common.clock import now
from common.http import Reply, exchange
from common.states import State
from eventinvoke.providers.twilio import rest
from eventinvoke.providers.twilio.answers import is_success
from eventinvoke.providers.twilio.statuses import Meaning

SETTLED_AFTER: Final = timedelta(seconds=rest.TIMEOUT)
"""A try that began this long ago and is not listed was not accepted: its request has ended by then."""
_LATEST: Final = timedelta(seconds=60)
"""Nothing of a try is created later than this after it began."""
_INEXACT: Final = timedelta(seconds=3)
"""Both clocks are shown in whole seconds, and the answer takes a while."""
_APART: Final = timedelta(seconds=30)
"""Our clock may have been set between the try and the question. What no closer try explains is taken for
one that began so much later, rather than that the phone rings twice."""
_PAGE_SIZE: Final = 20  # an exchange keeps 64 KiB of an answer; a call is about 1.5
_MAX_PAGES: Final = 10
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_NOT_FOUND: Final = 404
_NOT_ASKED: Final = "Twilio can't say yet what it did; it will be asked again."
_NOT_TAKEN: Final = "Twilio did not take it; it is sent again."
_FORGOTTEN: Final = "Twilio does not know it any more."
_OUTCOMES: Final = {
    State.SENT: Outcome.ACCEPTED,
    State.DELIVERED: Outcome.DELIVERED,
    State.UNDELIVERED: Outcome.UNDELIVERED,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One call or message that Twilio took."""

    sid: str
    created_at: datetime
    """On our clock."""
    body: str
    """Of a message; "" for a call."""
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls, or messages."""

    resource: str
    """As it stands in the address: "Calls"."""
    meaning: Callable[[Mapping[str, Any]], Meaning]
    """Says what the state of one means."""
    is_of: Callable[[Message, Record], bool]
    """Says whether one that was created in time may be of a message."""


@dataclass(slots=True)
class _Search:
    """The search in the list of one number."""

    messages: list[Message]
    next_path: str
    since: datetime
    records: list[Record] = field(default_factory=list)
    pages: int = 0
    is_complete: bool = False


def ask(kind: Kind, messages: Sequence[Message]) -> Iterator[SendResult]:
    """Yield the outcome of each message, as ``common.channels.Channel.ask`` specifies.

    One that is found in a list stands for one message at most, and for none whose ``known_ids`` hold it.
    """
    yield from _look_up(kind, [message for message in messages if message.provider_id])
    yield from _search(kind, [message for message in messages if not message.provider_id])


def _look_up(kind: Kind, messages: Sequence[Message]) -> Iterator[SendResult]:
    path = f"{rest.account_path()}{kind.resource}"
    requests = (rest.get(f"{path}/{quote(one.provider_id, safe='')}.json", one) for one in messages)
    for reply in exchange(requests):
        if reply is None:
            continue
        record = _record(kind, rest.content(reply), timedelta(0)) if is_success(reply) else None
        if record is not None:
            yield _result(reply.tag, record)
        elif reply.error is None and reply.status == _NOT_FOUND:
            yield SendResult(reply.tag, Outcome.REJECTED, reply.tag.provider_id, _FORGOTTEN)
        else:
            yield SendResult(reply.tag, Outcome.UNKNOWN, reply.tag.provider_id, _NOT_ASKED)


def _search(kind: Kind, messages: Sequence[Message]) -> Iterator[SendResult]:
    by_number: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_number[message.address].append(message)
    searches = [_begin(kind, number, some) for number, some in by_number.items()]
    unfinished = searches
    while unfinished:
        for reply in exchange([rest.get(search.next_path, search) for search in unfinished]):
            if reply is not None:
                _read_page(kind, reply)
        unfinished = [search for search in unfinished if search.next_path]
    for search in searches:
        yield from _judge(kind, search)


def _begin(kind: Kind, number: str, messages: list[Message]) -> _Search:
    messages.sort(key=_started_at)
    query = urlencode({"To": number, "PageSize": _PAGE_SIZE}, errors="replace")
    path = f"{rest.account_path()}{kind.resource}.json?{query}"
    return _Search(messages, path, _started_at(messages[0]) - _APART)


def _started_at(message: Message) -> datetime:
    return message.started_at or now() - _LATEST


def _read_page(kind: Kind, reply: Reply) -> None:
    """Take in one page of a list, and say in its search which page is next ("" for none)."""
    search: _Search = reply.tag
    path, search.next_path = search.next_path, ""
    found = rest.content(reply)
    rows = found.get(kind.resource.lower())
    if not is_success(reply) or not isinstance(rows, list):
        return
    ahead = _clock_ahead(reply)
    records = [record for row in rows if (record := _record(kind, row, ahead)) is not None]
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
    """Credentials are sent only to addresses of the own account."""
    return (
        isinstance(path, str) and path.startswith(rest.account_path()) and path.isascii() and " " not in path
    )


def _clock_ahead(reply: Reply) -> timedelta:
    """Return how much Twilio's clock is ahead of ours."""
    try:
        there = parsedate_to_datetime(reply.headers.get("date", ""))
    except (TypeError, ValueError):
        return timedelta(0)
    return there.replace(tzinfo=there.tzinfo or UTC) - now()


def _record(kind: Kind, row: Any, ahead: timedelta) -> Record | None:
    if not isinstance(row, Mapping) or not _SID.fullmatch(str(row.get("sid"))):
        return None
    try:
        created_at = parsedate_to_datetime(str(row.get("date_created")))
    except (TypeError, ValueError):
        return None
    created_at = created_at.replace(tzinfo=created_at.tzinfo or UTC) - ahead
    return Record(str(row["sid"]), created_at, str(row.get("body") or ""), kind.meaning(row))


def _judge(kind: Kind, search: _Search) -> Iterator[SendResult]:
    # The oldest first, so that of several that nothing tells apart the first gets the first.
    by_sid = {record.sid: record for record in search.records}
    records = sorted(by_sid.values(), key=lambda record: record.created_at)
    left = search.messages
    for margin in (_INEXACT, _APART):
        missed: list[Message] = []
        for message in left:
            found = next((one for one in records if _may_be(kind, message, one, margin)), None)
            if found is None:
                missed.append(message)
            else:
                records.remove(found)
                yield _result(message, found)
        left = missed
    for message in left:
        yield _absent(search, message)


def _may_be(kind: Kind, message: Message, record: Record, margin: timedelta) -> bool:
    """Say whether a record may be of a message: created in its time, unknown so far, and of its kind."""
    began_at = _started_at(message)
    is_in_time = began_at - margin <= record.created_at <= began_at + _LATEST
    return is_in_time and record.sid not in message.known_ids and kind.is_of(message, record)


def _absent(search: _Search, message: Message) -> SendResult:
    if search.is_complete and now() >= _started_at(message) + SETTLED_AFTER:
        return SendResult(message, Outcome.RETRY, reason=_NOT_TAKEN)
    return SendResult(message, Outcome.UNKNOWN, reason=_NOT_ASKED)


def _result(message: Message, record: Record) -> SendResult:
    # An unknown state says at least that it was accepted.
    meaning = record.meaning
    outcome = _OUTCOMES.get(meaning.means or State.SENT, Outcome.ACCEPTED)
    return SendResult(message, outcome, record.sid, meaning.reason, may_redial=meaning.may_redial)
