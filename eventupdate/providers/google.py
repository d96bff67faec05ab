"""Google Calendar: the first time a whole calendar, from then on what changed, by a sync token.

Series and their exceptions are asked for (``singleEvents`` false), not their occurrences: they are
stored and expanded like those of any other source, so the horizon rolls without Google. Nothing
is filtered by time or title on Google's side, as a sync token allows no such filter; what was over
weeks ago is left out here.

A token that is no longer good (410) costs a whole reading. Events keep their ids in it, so what
did not change in the meantime is recognised, and nobody is told of it twice.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from common.clock import now
from common.errors import FeedError
from eventupdate.lines import MAX_ENTRIES
from eventupdate.models import Entry
from eventupdate.providers import Reading, Resource
from eventupdate.providers.google_client import Client, GoneError
from eventupdate.providers.google_events import FIELDS, Item, is_gone, is_long_over, resource_of
from eventupdate.providers.google_http import Deadline
from eventupdate.resources import key_of
from registration.models import Calendar

READING_SECONDS: Final = 120.0
"""The longest that a whole calendar may take, well within the lease of a sync."""
PAGE_SIZE: Final = 2500
MAX_PAGES: Final = 400
_ANSWER: Final = f"timeZone,nextPageToken,nextSyncToken,items({FIELDS})"


def read_google(calendar: Calendar, *, is_fresh: bool) -> Reading | None:
    """Read a Google calendar through its account (a ``Provider``)."""
    if calendar.account is None:
        msg = "The calendar has no account to be read through. Remove it, and connect Google Calendar."
        raise FeedError(msg)
    client = Client(calendar.account, Deadline(READING_SECONDS))
    if is_fresh and calendar.sync_token:
        try:
            return _changes(client, calendar)
        except GoneError:
            pass
    return _whole(client, calendar)


class _Pages:
    """The events of one listing, and what its last page says."""

    def __init__(self, client: Client, remote_id: str, sync_token: str = "") -> None:
        self._client = client
        self._remote_id = remote_id
        self._sync_token = sync_token
        self.time_zone = ""
        self.next_sync_token = ""

    def items(self) -> Iterator[Item]:
        """Yield the events, page by page. A page may be short, or empty, and still have a successor."""
        parameters: dict[str, Any] = {"maxResults": PAGE_SIZE, "singleEvents": False, "fields": _ANSWER}
        if self._sync_token:
            parameters["syncToken"] = self._sync_token
        for _ in range(MAX_PAGES):
            page = self._client.list_events(self._remote_id, **parameters)
            self.time_zone = str(page.get("timeZone") or self.time_zone)
            yield from _checked(page.get("items") or [])
            if not page.get("nextPageToken"):
                self.next_sync_token = str(page.get("nextSyncToken") or "")
                return
            parameters["pageToken"] = page["nextPageToken"]
        msg = f"The calendar has more than {MAX_PAGES} pages."
        raise FeedError(msg)


def _checked(items: Any) -> list[Item]:
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
        msg = "Google's answer can't be read."
        raise FeedError(msg)
    return items


def _whole(client: Client, calendar: Calendar) -> Reading:
    pages = _Pages(client, calendar.remote_id)
    at = now()
    found = _limited(item for item in pages.items() if not is_gone(item) and not is_long_over(item, at))
    return Reading(
        list(_resources(found, pages.time_zone).values()),
        is_whole=True,
        time_zone=pages.time_zone,
        state={"sync_token": pages.next_sync_token},
    )


def _changes(client: Client, calendar: Calendar) -> Reading | None:
    pages = _Pages(client, calendar.remote_id, calendar.sync_token)
    items = list(_limited(pages.items()))
    if not items and pages.next_sync_token == calendar.sync_token:
        return None
    resources, removed = _sorted(items, pages.time_zone, now())
    removed |= _exceptions_of(calendar, {item["id"] for item in items if is_gone(item)})
    return Reading(
        list(resources.values()),
        removed=sorted(removed - resources.keys()),
        is_whole=False,
        time_zone=pages.time_zone,
        state={"sync_token": pages.next_sync_token},
    )


def _sorted(items: list[Item], time_zone: str, at: datetime) -> tuple[dict[str, Resource], set[str]]:
    """Return what is there, by key, and the keys of what is not, or no longer of interest."""
    gone = {key_of(item["id"]) for item in items if is_gone(item) or is_long_over(item, at)}
    there = (item for item in items if not is_gone(item) and not is_long_over(item, at))
    return _resources(there, time_zone), gone


def _resources(items: Iterator[Item], time_zone: str) -> dict[str, Resource]:
    # An event that changed while the pages were read may come twice; the later one counts.
    made = (resource_of(item, time_zone) for item in items)
    return {resource.key: resource for resource in made}


def _exceptions_of(calendar: Calendar, series: set[str]) -> set[str]:
    """Return the keys of the stored exceptions of deleted series: Google does not name each of them."""
    hashes = [sha256(uid.encode()).hexdigest() for uid in series]
    found: set[str] = set()
    for begin in range(0, len(hashes), 500):
        rows = Entry.objects.filter(calendar=calendar, series__in=hashes[begin : begin + 500])
        found.update(rows.values_list("key", flat=True))
    return found


def _limited(items: Iterator[Item]) -> Iterator[Item]:
    for number, item in enumerate(items):
        if number >= MAX_ENTRIES:
            msg = f"The calendar has more than {MAX_ENTRIES} entries."
            raise FeedError(msg)
        yield item
