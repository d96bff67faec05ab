"""From a server's address to its calendars (RFC 6764), on a real server."""

from typing import Any

import pytest

from common.errors import AddressError, FeedError
from eventupdate.providers.accounts import list_calendars
from eventupdate.providers.caldav.client import Account, absolute, is_kin, typed_url
from eventupdate.providers.caldav.discovery import discover
from eventupdate.reading import RefusedError, RemoteCalendar
from eventupdate.tests.dav_proxy import Answered, Asked, DavProxy
from eventupdate.tests.feed_server import FeedServer
from registration.models import CalendarAccount
from tests.servers import Radicale
from tests.servers.radicale import PASSWORD, USER


@pytest.fixture
def calendars(radicale: Radicale, dav: DavProxy) -> dict[str, str]:
    """Two calendars and a list of tasks; return the addresses of the calendars by name."""
    radicale.make("tasks", "To do", components=("VTODO",))
    made = {
        "Team & friends": radicale.make("team", "Team & friends"),
        "Night": radicale.make("n%C3%A4cht", "Night"),
    }
    return {name: f"{dav.url}{path}" for name, path in made.items()}


def found(url: str, password: str = PASSWORD) -> list[RemoteCalendar]:
    return discover(Account(url, USER, password))


def shown(url: str) -> dict[str, str]:
    return {one.name: one.remote_id for one in found(url)}


@pytest.mark.parametrize(
    "path", ["/", "", "/.well-known/caldav", f"/{USER}/", f"/{USER}", "/no/such/folder/"]
)
def test_the_calendars_are_found_from_anywhere(dav: DavProxy, calendars: dict[str, str], path: str) -> None:
    assert shown(f"{dav.url}{path}") == calendars


def test_the_address_of_one_calendar_puts_it_first(dav: DavProxy, calendars: dict[str, str]) -> None:
    names = list(shown(f"{dav.url}/{USER}/team/"))
    assert names == ["Team & friends", "Night"]


def test_a_calendar_without_a_name_is_called_by_its_path(dav: DavProxy, radicale: Radicale) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        return answered._replace(body=answered.body.replace(b"displayname>", b"x>"))

    radicale.make("plain", "Name")
    dav.spoil = spoil
    assert list(shown(dav.url)) == ["plain"]


def test_a_server_that_knows_no_well_known_address_is_asked_at_its_root(
    dav: DavProxy, calendars: dict[str, str]
) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        return Answered(404, b"") if "well-known" in asked.path else answered

    dav.spoil = spoil
    assert shown(dav.url) == calendars


def test_a_nextcloud_in_a_folder_is_found(
    dav: DavProxy, calendars: dict[str, str], radicale: Radicale
) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        if asked.path == "/cloud/remote.php/dav/":
            return dav.forward(asked._replace(path="/"))
        return answered if asked.path.startswith(f"/{USER}/") else Answered(404, b"")

    dav.spoil = spoil
    assert shown(f"{dav.url}/cloud") == calendars


def test_a_well_known_address_that_leads_astray_is_passed_over(
    dav: DavProxy, calendars: dict[str, str]
) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        is_astray = "well-known" in asked.path
        return Answered(301, b"", {"Location": "ftp://127.0.0.1/"}) if is_astray else answered

    dav.spoil = spoil
    assert shown(dav.url) == calendars
    dav.spoil = lambda _asked, _answered: Answered(301, b"", {"Location": "ftp://127.0.0.1/"})
    with pytest.raises(FeedError, match="has to begin with https://"):
        found(dav.url)


def test_an_open_server_without_calendars_is_refused(dav: DavProxy) -> None:
    body = b"""<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><current-user-principal>
        <unauthenticated/></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat>
        </response></multistatus>"""
    dav.spoil = lambda _asked, _answered: Answered(207, body)
    with pytest.raises(FeedError, match="no CalDAV server"):
        found(dav.url)


def test_a_shared_calendar_is_found_by_its_own_address_alone(
    dav: DavProxy, calendars: dict[str, str]
) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        body = answered.body
        for name in (b"current-user-principal", b"C:calendar-home-set"):
            body = body.replace(b"<%b>" % name, b"<x>").replace(b"</%b>" % name, b"</x>")
        return answered._replace(body=body)

    dav.spoil = spoil
    assert list(shown(calendars["Night"])) == ["Night"]


def test_an_account_lists_its_calendars(caldav_account: CalendarAccount, calendars: dict[str, str]) -> None:
    assert {one.name for one in list_calendars(caldav_account)} == calendars.keys()


def test_an_account_without_calendars_says_so(caldav_account: CalendarAccount) -> None:
    with pytest.raises(FeedError, match="no calendar"):
        list_calendars(caldav_account)


def test_a_wrong_password_is_told(dav: DavProxy, calendars: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="user name and password") as caught:
        found(dav.url, "wrong")
    assert caught.value.field == "password"


def test_a_server_without_caldav_is_told(dav: DavProxy) -> None:
    with FeedServer("BEGIN:VCALENDAR") as other, pytest.raises(FeedError, match="no CalDAV server") as caught:
        found(other.url)
    assert caught.value.field == "url"


def test_an_unreachable_server_is_reported(dav: DavProxy) -> None:
    with FeedServer() as gone:
        url = gone.url
    with pytest.raises(FeedError, match="can't be reached"):
        found(url)


def test_a_private_address_is_refused(dav: DavProxy, settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    with pytest.raises(FeedError, match="private network"):
        found(dav.url.replace("http:", "https:"))
    assert dav.asked == []


def test_the_password_follows_no_redirect_to_a_stranger(dav: DavProxy, radicale: Radicale) -> None:
    dav.spoil = lambda _asked, _answered: Answered(301, b"", {"Location": radicale.url})
    with pytest.raises(FeedError, match=f"redirects to 127.0.0.1:{radicale.port}"):
        found(dav.url)


def test_the_password_goes_to_no_principal_elsewhere(dav: DavProxy, radicale: Radicale) -> None:
    def spoil(_asked: Asked, answered: Answered) -> Answered:
        return answered._replace(body=answered.body.replace(b"<href>/anna/", b"<href>http://127.0.0.9/anna/"))

    dav.spoil = spoil
    with pytest.raises(FeedError, match=r"redirects to 127\.0\.0\.9"):
        found(dav.url)


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("https://example.org/", "https://example.org/dav/", True),
        ("http://localhost:5232/", "http://localhost:5232/dav/", True),
        ("https://caldav.icloud.com/", "https://p34-caldav.icloud.com:443/", True),
        ("https://example.org/", "https://dav.example.org/", True),
        ("https://dav.example.org/", "https://example.org/", True),
        ("https://example.org/", "https://example.com/", False),
        ("https://example.org/", "https://evil-example.org/", False),
        ("https://example.org/", "https://example.org.evil.com/", False),
        ("https://org/", "https://example.org/", False),
        ("https://example.org/", "http://example.org/", False),
        ("https://example.org/", "http://dav.example.org/", False),
        ("https://10.0.0.1/", "https://9.0.0.1/", False),
        ("https://10.0.0.1/", "https://10.0.0.1:8443/", False),
        ("https://[2001:db8::1]/", "https://[2001:db8::2]/", False),
    ],
)
def test_the_password_stays_within_one_owner_s_servers(one: str, other: str, *, is_one: bool) -> None:
    assert is_kin(one, other) is is_one


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("192.0.2.1", "https://192.0.2.1/"),
        (" 192.0.2.1/dav/calendars ", "https://192.0.2.1/dav/calendars"),
        ("192.0.2.1:8443/dav", "https://192.0.2.1:8443/dav"),
        ("caldavs://192.0.2.1/", "https://192.0.2.1/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
    ],
)
def test_an_address_without_a_scheme_is_https(settings: Any, typed: str, url: str) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/24"]
    assert typed_url(typed) == url


@pytest.mark.parametrize(
    "typed", ["", "https://", "ftp://example.org/", "me:secret@example.org", "a b.example"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(AddressError):
        typed_url(typed)


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/dav/a%2fb/%7Eme/", "https://example.org/dav/a%2Fb/~me/"),
        ("/dav/n\u00e4cht@x/", "https://example.org/dav/n%C3%A4cht@x/"),
        ("/dav/n%c3%a4cht%40x/", "https://example.org/dav/n%C3%A4cht@x/"),
        ("b/", "https://example.org/dav/b/"),
        ("https://EXAMPLE.org:443/dav/", "https://example.org/dav/"),
    ],
)
def test_one_resource_has_one_address_however_it_is_written(href: str, url: str) -> None:
    assert absolute("https://example.org/dav/", href) == url
