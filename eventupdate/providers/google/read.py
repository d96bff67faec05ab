"""Reading a Google calendar: all events at first, then changes by a sync token.

Series and exceptions are requested (``singleEvents`` false) instead of occurrences. They are stored
and expanded here, so the horizon moves without a request. Sync tokens don't allow filters by time or
title; events that ended weeks ago are left out here.

After an expired token (410) the whole calendar is read. Events keep their ids, so unchanged ones are
recognised and cause no notices.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from common.clock import now
from common.errors import FeedError
from eventupdate.lines import MAX_ENTRIES
from eventupdate.models import Entry
from eventupdate.providers.google.client import Client, GoneError
from eventupdate.providers.google.events import FIELDS, Item, is_gone, is_long_over, resource_of
from eventupdate.providers.google.http import Deadline
from eventupdate.reading import Reading, Resource
from eventupdate.resources import key_of, series_of
from registration.models import Calendar

READING_SECONDS: Final = 120.0
"""The limit for a whole calendar, far below the lease of a sync."""
PAGE_SIZE: Final = 2500
MAX_PAGES: Final = 400
_UNREADABLE: Final = "Google's response can't be read."
# A page without any of these is no list of events; as an empty calendar it would cancel all notices.
_NAMED_IN_EACH: Final = frozenset({"timeZone", "nextPageToken", "nextSyncToken"})
_ANSWER: Final = f"timeZone,nextPageToken,nextSyncToken,items({FIELDS})"


def read_google(calendar: Calendar, *, is_fresh: bool) -> Reading | None:
    """Read a Google calendar through its account (a ``Provider``)."""
    if calendar.account is None:
        msg = "This calendar has no account any more. Remove it, and connect Google Calendar again."
        raise FeedError(msg)
    client = Client(calendar.account, Deadline(READING_SECONDS))
    if is_fresh and calendar.sync_token:
        try:
            return _changes(client, calendar)
        except GoneError:
            pass
    return _whole(client, calendar)


class _Pages:
    """The events of one listing, and its zone and next sync token."""

    def __init__(self, client: Client, remote_id: str, sync_token: str = "") -> None:
        self._client = client
        self._remote_id = remote_id
        self._sync_token = sync_token
        self.time_zone = ""
        self.next_sync_token = ""

    def items(self) -> Iterator[Item]:
        """Yield the events of all pages. A short or empty page may still have a next page."""
        parameters: dict[str, Any] = {"maxResults": PAGE_SIZE, "singleEvents": False, "fields": _ANSWER}
        if self._sync_token:
            parameters["syncToken"] = self._sync_token
        for _ in range(MAX_PAGES):
            page = self._client.list_events(self._remote_id, **parameters)
            if not _NAMED_IN_EACH & page.keys():
                raise FeedError(_UNREADABLE)
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
        raise FeedError(_UNREADABLE)
    return items


class _Sorted:
    """Events sorted into resources, removed events and past events."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._resources: dict[str, Resource] = {}
        self.gone: set[str] = set()
        """The ids of deleted events and series."""
        self.over: set[str] = set()
        self.singles: set[str] = set()
        """The ids of events that do not recur."""

    def take(self, item: Item, time_zone: str) -> None:
        """Sort one event. Of an event that changed while pages were read the later version counts."""
        self._resources.pop(key_of(item["id"]), None)
        for ids in (self.gone, self.over, self.singles):
            ids.discard(item["id"])
        if is_gone(item):
            self.gone.add(item["id"])
        elif is_long_over(item, self._at):
            self.over.add(item["id"])
        else:
            resource = resource_of(item, time_zone)
            self._resources[resource.key] = resource
            if len(self._resources) > MAX_ENTRIES:
                msg = f"The calendar has more than {MAX_ENTRIES} entries."
                raise FeedError(msg)
        if not item.get("recurringEventId") and not item.get("recurrence"):
            self.singles.add(item["id"])

    def resources(self) -> dict[str, Resource]:
        """Return the resources by key, without exceptions of events that do not recur (any more)."""
        return {
            key: resource
            for key, resource in self._resources.items()
            if resource.uid not in self.singles or key == key_of(resource.uid)
        }


def _whole(client: Client, calendar: Calendar) -> Reading:
    pages = _Pages(client, calendar.remote_id)
    found = _Sorted(now())
    for item in pages.items():
        found.take(item, pages.time_zone)
    return Reading(
        list(found.resources().values()),
        is_whole=True,
        time_zone=pages.time_zone,
        state={"sync_token": pages.next_sync_token},
    )


def _changes(client: Client, calendar: Calendar) -> Reading | None:
    pages = _Pages(client, calendar.remote_id, calendar.sync_token)
    found = _Sorted(now())
    is_empty = True
    for item in pages.items():
        found.take(item, pages.time_zone)
        is_empty = False
    if is_empty and pages.next_sync_token == calendar.sync_token:
        return None
    resources = found.resources()
    removed = {key_of(event_id) for event_id in found.gone | found.over}
    # Google does not list the exceptions of a series that was deleted or no longer recurs.
    removed |= _stored_keys(calendar, found.gone | found.singles)
    return Reading(
        list(resources.values()),
        removed=sorted(removed - resources.keys()),
        is_whole=False,
        time_zone=pages.time_zone,
        state={"sync_token": pages.next_sync_token},
    )


def _stored_keys(calendar: Calendar, uids: set[str]) -> set[str]:
    """Return the keys of stored entries with these UIDs."""
    names = [series_of(uid) for uid in sorted(uids)]
    rows = Entry.objects.filter(calendar=calendar, series__any_of=names)
    return set(rows.values_list("key", flat=True))
