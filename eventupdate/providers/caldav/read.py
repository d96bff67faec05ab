"""Reading one calendar of a CalDAV account (RFC 4791), if possible only its changes (RFC 6578).

The first of these that works is used:

1. sync-collection: the changes since the stored token;
2. if the server rejects the token or does not support the report: all hrefs with their ETags, compared
   with the stored ones, unless the ctag has not changed;
3. if nothing is stored: everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from common.errors import FeedError
from eventupdate.lines import read_feed
from eventupdate.models import Entry
from eventupdate.providers.caldav import xml
from eventupdate.providers.caldav.accounts import sign_in
from eventupdate.providers.caldav.client import Client, is_kin, multistatus
from eventupdate.providers.caldav.members import (
    Given,
    Member,
    Members,
    changes_since,
    give_out,
    list_members,
)
from eventupdate.reading import Reading, Resource
from eventupdate.resources import resources_of
from registration.models import Calendar

_SYNC, _CTAG, _LIST = "sync ", "ctag ", "list"
_VERSION_LENGTH: Final = 255
_NAMES: Final = (
    f"{xml.DAV}resourcetype",
    f"{xml.DAV}sync-token",
    f"{xml.DAV}supported-report-set",
    f"{xml.SERVER}getctag",
    f"{xml.CALDAV}calendar-timezone",
)


@dataclass(frozen=True, slots=True)
class _About:
    """The properties of a calendar."""

    url: str
    token: str
    ctag: str
    can_sync: bool
    time_zone: str

    def is_as_at(self, state: str) -> bool:
        """Say whether the calendar has not changed since a stored state."""
        kind, value = state[:5], state[5:]
        return bool(value) and {_SYNC: self.token, _CTAG: self.ctag}.get(kind) == value


def read(calendar: Calendar, *, is_fresh: bool) -> Reading | None:
    """Read a calendar of a CalDAV account (a ``Provider``)."""
    client = _client(calendar)
    about = _ask_about(client, calendar.remote_id)
    mark = sha256(f"{about.url}\n{about.time_zone}\n{calendar.default_time_zone}".encode()).hexdigest()
    stored = calendar.sync_token if is_fresh and calendar.etag == mark else ""
    if about.is_as_at(stored):
        return None
    if stored.startswith(_SYNC):
        changes = changes_since(client, about.url, stored.removeprefix(_SYNC))
        if changes is not None:
            return _reading(client, about, changes, mark, f"{_SYNC}{changes.token}")
    members, state = _everything(client, about, is_sync_tried=stored.startswith(_CTAG))
    if not stored:
        return _whole(calendar, _reading(client, about, members, mark, state), members)
    difference = _difference(calendar, members)
    if state == stored and not difference.present and not difference.gone:
        return None
    return _reading(client, about, difference, mark, state)


def _client(calendar: Calendar) -> Client:
    if calendar.account is None:
        msg = "This calendar has no account any more. Delete it, and connect the account again."
        raise FeedError(msg)
    account = sign_in(calendar.account)
    if not is_kin(account.url, calendar.remote_id):
        msg = "This calendar is on another server than its account."
        raise FeedError(msg)
    return Client(account)


def _ask_about(client: Client, url: str) -> _About:
    answer = client.propfind(url, _NAMES, 0)
    found = multistatus(answer).responses
    about = found[0] if found else None
    if about is None or not about.has(f"{xml.DAV}resourcetype", f"{xml.CALDAV}calendar"):
        msg = "There is no calendar at this address any more."
        raise FeedError(msg)
    token = about.text(f"{xml.DAV}sync-token")
    can_sync = bool(token) or about.has(f"{xml.DAV}supported-report-set", f"{xml.DAV}sync-collection")
    zone = xml.zone_in(about.text(f"{xml.CALDAV}calendar-timezone"))
    return _About(answer.final_url, token, about.text(f"{xml.SERVER}getctag"), can_sync, zone)


def _everything(client: Client, about: _About, *, is_sync_tried: bool) -> tuple[Members, str]:
    """Return all members, and the state that the next reading continues from."""
    if about.can_sync and not is_sync_tried:
        members = changes_since(client, about.url, "")
        if members is not None:
            # A server that has lost its index reports no members too, so an empty result is checked.
            found = members if members.present else list_members(client, about.url)
            return found, f"{_SYNC}{members.token}"
    # The ctag was read before the list, so a change in between is found by the next reading.
    return list_members(client, about.url), f"{_CTAG}{about.ctag}" if about.ctag else _LIST


def _difference(calendar: Calendar, members: Members) -> Members:
    """Return new and changed members, and the keys of removed ones."""
    versions = dict(Entry.objects.filter(calendar=calendar).values_list("key", "version"))
    present: dict[str, Member] = {
        key: member
        for key, member in members.present.items()
        if not member.etag or versions.get(key) != _version(member.etag, "")
    }
    return Members(present, versions.keys() - members.present.keys())


def _reading(client: Client, about: _About, members: Members, mark: str, state: str) -> Reading:
    """Fetch members; those that can't be read are left out, so that their stored entries stay."""
    resources: list[Resource] = []
    removed = set(members.gone)
    broken = 0
    for given in give_out(client, about.url, members.present):
        try:
            resource = _resource(given)
        except FeedError:
            broken += 1
            continue
        if resource is None:
            removed.add(given.key)
        else:
            resources.append(resource)
    return Reading(
        resources,
        removed=sorted(removed),
        is_whole=False,
        time_zone=about.time_zone,
        state={"sync_token": state, "etag": mark},
        notes=tuple(_notes(client, broken)),
    )


def _notes(client: Client, broken: int) -> Iterable[str]:
    if broken:
        yield f"{broken} of the calendar's entries can't be read; their stored versions stay."
    if client.is_plain:
        yield "It is read over http, so others in the network can read and change it. Use https if possible."


def _whole(calendar: Calendar, reading: Reading, members: Members) -> Reading:
    """Return a whole reading, unless some members could not be read."""
    silent = members.present.keys() - {one.key for one in reading.resources} - set(reading.removed)
    if not silent:
        return Reading(
            reading.resources, time_zone=reading.time_zone, state=reading.state, notes=reading.notes
        )
    stored = Entry.objects.filter(calendar=calendar).values_list("key", flat=True)
    gone = (set(stored) - members.present.keys()) | set(reading.removed)
    return Reading(
        reading.resources,
        sorted(gone),
        is_whole=False,
        time_zone=reading.time_zone,
        state=reading.state,
        notes=reading.notes,
    )


def _resource(given: Given) -> Resource | None:
    """Return the resource of an entry; None if it was removed or has no event. Raises ``FeedError``."""
    if not given.text:
        return None
    parts = resources_of(read_feed(given.text.encode()))
    if not parts:
        return None
    text = "\n".join(part.text for part in parts)
    return Resource(given.key, parts[0].uid, _version(given.etag, text), text)


def _version(etag: str, text: str) -> str:
    if etag and len(etag) <= _VERSION_LENGTH:
        return etag
    return sha256((etag or text).encode()).hexdigest()
