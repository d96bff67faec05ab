"""Discovering a user's calendars from one address.

The address may be that of a server, a principal, a folder with calendars, or a calendar:

1. The address itself, /.well-known/caldav (RFC 6764 section 5), the root of the server and the paths
   of known servers are asked for the current-user-principal (RFC 5397).
2. The principal is asked for its calendar-home-set (RFC 4791 section 6.2.1).
3. Each home is asked for its members.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from common.errors import AddressError, FeedError, PrivateAddressError
from common.http import Fetched
from eventupdate.providers.caldav import xml
from eventupdate.providers.caldav.client import (
    MULTI_STATUS,
    UNAUTHORISED,
    Account,
    Client,
    absolute,
    is_kin,
    multistatus,
    refusal,
)
from eventupdate.reading import RefusedError, RemoteCalendar

DISCOVERY_SECONDS: Final = 40.0
"""A member waits for the result."""
MAX_CALENDARS: Final = 500
_PRINCIPAL: Final = f"{xml.DAV}current-user-principal"
_HOMES: Final = f"{xml.CALDAV}calendar-home-set"
_COMPONENTS: Final = f"{xml.CALDAV}supported-calendar-component-set"
_TYPE: Final = f"{xml.DAV}resourcetype"
_CALENDAR: Final = f"{xml.CALDAV}calendar"
_NAME: Final = f"{xml.DAV}displayname"
_ZONE: Final = f"{xml.CALDAV}calendar-timezone"
_ABOUT: Final = (_TYPE, _PRINCIPAL, _HOMES, _NAME, _COMPONENTS, _ZONE)
_LISTED: Final = (_TYPE, _NAME, _COMPONENTS, _ZONE)
_MAX_ID: Final = 1000
_FOLDERS: Final = ("remote.php/dav/", "dav.php/")
"""Where Nextcloud and Baïkal answer below the address that their users know."""


def discover(account: Account) -> list[RemoteCalendar]:
    """Return the calendars of an account; a calendar at the account's address comes first.

    Raises ``RefusedError`` for a wrong user name or password, and ``FeedError`` if the server can't be
    reached or has no CalDAV; ``field`` names the input to correct.
    """
    client = Client(account, DISCOVERY_SECONDS)
    url, about = _first_answer(client, account.url)
    found: dict[str, RemoteCalendar] = {one.remote_id: one for one in _calendars(url, (about,))}
    for home in _homes(client, account, url, about):
        answer = client.propfind(home, _LISTED, 1)
        for one in _calendars(answer.final_url, multistatus(answer).responses):
            found.setdefault(one.remote_id, one)
        if len(found) > MAX_CALENDARS:
            break
    return list(found.values())[:MAX_CALENDARS]


def _first_answer(client: Client, typed: str) -> tuple[str, xml.Response]:
    """Return the first useful response, and its URL."""
    refused: FeedError | None = None
    for url in _candidates(typed):
        try:
            answer = _ask(client, typed, url)
        except FeedError as error:
            if not _is_astray(error):
                raise
            refused = refused or error
            continue
        if answer.status == MULTI_STATUS:
            for about in multistatus(answer).responses[:1]:
                if about.href_in(_PRINCIPAL) or about.hrefs_in(_HOMES) or about.has(_TYPE, _CALENDAR):
                    return answer.final_url, about
        elif answer.status == UNAUTHORISED:
            raise refusal(answer.status)
        else:
            refused = refused or refusal(answer.status)
    raise _not_caldav(refused)


def _ask(client: Client, typed: str, url: str) -> Fetched:
    """Ask one address for the principal.

    The password follows a redirect to another server only if ``is_kin`` allows it.
    """
    answer = client.propfind(url, _ABOUT, 0)
    if answer.status == UNAUTHORISED and not _is_same_server(typed, answer.final_url):
        _check_kin(typed, answer.final_url)
        answer = client.propfind(answer.final_url, _ABOUT, 0)
    return answer


def _is_astray(error: FeedError) -> bool:
    """Say whether a redirect can't be followed; another address may still work.

    Many servers behind a proxy redirect /.well-known/caldav to http.
    """
    return isinstance(error.__cause__, AddressError) and not isinstance(error.__cause__, PrivateAddressError)


def _not_caldav(refused: FeedError | None) -> FeedError:
    if refused is not None and (
        isinstance(refused, RefusedError) or not refused.field or _is_astray(refused)
    ):
        return refused
    return FeedError("There is no CalDAV server at this address.", field="url")


def _candidates(typed: str) -> Iterator[str]:
    parts = urlsplit(typed)
    server = f"{parts.scheme}://{parts.netloc}"
    if parts.path not in {"", "/"}:
        yield typed
    yield f"{server}/.well-known/caldav"
    yield f"{server}/"
    for folder in _FOLDERS:
        yield f"{typed.rstrip('/')}/{folder}"


def _is_same_server(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def _homes(client: Client, account: Account, url: str, about: xml.Response) -> Iterator[str]:
    """Yield the URLs of the folders with the user's calendars."""
    principal = about.href_in(_PRINCIPAL)
    if principal and _HOMES not in about.properties:
        url = absolute(url, principal)
        _check_kin(account.url, url)
        answer = client.propfind(url, (_HOMES,), 0)
        found = multistatus(answer).responses
        url, about = answer.final_url, found[0] if found else about
    for href in about.hrefs_in(_HOMES):
        home = absolute(url, href)
        _check_kin(account.url, home)
        yield home


def _check_kin(typed: str, url: str) -> None:
    if not is_kin(typed, url):
        msg = f"The server redirects to {urlsplit(url).netloc}. If that is right, enter that address."
        raise FeedError(msg, field="url")


def _calendars(url: str, responses: Iterable[xml.Response]) -> Iterator[RemoteCalendar]:
    """Yield the calendars that can contain events, unlike lists of tasks."""
    for response in responses:
        if not response.has(_TYPE, _CALENDAR) or not _holds_events(response):
            continue
        remote_id = absolute(url, response.href)
        if len(remote_id) <= _MAX_ID:
            name = response.text(_NAME) or urlsplit(remote_id).path.rstrip("/").rpartition("/")[2]
            yield RemoteCalendar(remote_id, name, xml.zone_in(response.text(_ZONE)))


def _holds_events(response: xml.Response) -> bool:
    """Say whether it can contain events; without a component set it can (RFC 4791 section 5.2.3)."""
    components = response.properties.get(_COMPONENTS)
    kinds = {kind.get("name", "").upper() for kind in components} if components is not None else set()
    return not kinds or "VEVENT" in kinds
