"""Connecting a CalDAV account in the panel, with a real server."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from common.clock import now
from eventupdate.providers.caldav.accounts import credentials_of, sign_in
from eventupdate.tests.dav_proxy import DavProxy
from eventupdate.tests.feed_server import FeedServer
from registration.models import Calendar, CalendarAccount, Job, Member
from registration.tests.factories import CalendarFactory, MemberFactory
from registration.tests.pages import error_at, settled, text_of
from tests.servers import Radicale
from tests.servers.radicale import PASSWORD, USER

pytestmark = pytest.mark.django_db
CONNECT = "/calendars/caldav/"


@pytest.fixture(autouse=True)
def two_calendars(dav: DavProxy, radicale: Radicale) -> None:
    radicale.make("team", "Team")
    radicale.make("night", "Night")


def connect(page: Client, dav: DavProxy, path: str = CONNECT, **data: str) -> Any:
    typed = {"url": f"{dav.url}/", "user_name": USER, "password": PASSWORD}
    return settled(page, page.post(path, typed | data))


def test_an_account_is_connected_and_its_calendars_are_chosen(
    page: Client, member: Member, dav: DavProxy
) -> None:
    answer = connect(page, dav)
    account = CalendarAccount.objects.get()
    assert (account.owner, account.provider, account.name) == (member, "caldav", "anna at 127.0.0.1")
    assert (sign_in(account).user_name, sign_in(account).password) == (USER, PASSWORD)
    assert answer.wsgi_request.path == f"/calendars/accounts/{account.pk}/"
    shown = text_of(answer)
    assert "Team" in shown
    assert "Night" in shown
    page.post(answer.wsgi_request.get_full_path(), {"chosen": [f"{dav.url}/{USER}/team/"]})
    calendar = Calendar.objects.get()
    assert (calendar.name, calendar.kind, calendar.owner) == ("Team", "caldav", member)


def test_no_request_waits_for_the_server(
    page: Client, dav: DavProxy, caldav_account: CalendarAccount
) -> None:
    typed = {"url": f"{dav.url}/", "user_name": USER, "password": PASSWORD}
    asked = [page.post(CONNECT, typed), page.get(f"/calendars/accounts/{caldav_account.pk}/")]
    assert dav.asked == []
    assert all(answer.status_code in {302, 404} for answer in asked)


def test_the_password_is_stored_encrypted_and_shown_nowhere(page: Client, dav: DavProxy) -> None:
    connect(page, dav)
    account = CalendarAccount.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM registration_calendaraccount")
        assert "pass:" not in cursor.fetchone()[0]
    for path in ("/calendars/", f"{CONNECT}?account={account.pk}", f"/calendars/accounts/{account.pk}/"):
        assert "pass:" not in settled(page, page.get(path)).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT given, result FROM registration_job")
        assert "pass:" not in str(cursor.fetchall())
    assert not any("pass:" in f"{job.given}{job.result}" for job in Job.objects.all())


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"password": "wrong"}, "password", "rejects this user name and password"),
        ({"password": ""}, "password", "This field is required."),
        ({"user_name": ""}, "user_name", "This field is required."),
        ({"url": "https://10.1.2.3/"}, "url", "private network"),
        ({"url": "https://me:secret@example.org/"}, "url", "can't contain a user name"),
        ({"url": "ftp://example.org"}, "url", "has to begin with https:// or http://"),
        ({"url": "http://8.8.8.8/"}, "url", "would be sent unencrypted"),
        ({"url": "http://127.0.0.1:1/"}, "url", ""),
        ({"url": f"https://8.8.8.8/{'ä' * 300}"}, "url", "too long"),
        ({"user_name": "bert", "password": "another"}, "url", "this user has no calendar there"),
    ],
)
def test_what_failed_is_told_next_to_its_field(
    page: Client, dav: DavProxy, data: dict[str, str], field: str, said: str
) -> None:
    told = error_at(connect(page, dav, **data), field)
    assert told
    assert said in told
    assert not CalendarAccount.objects.exists()


def test_a_server_of_another_kind_is_told_of(page: Client, dav: DavProxy) -> None:
    with FeedServer("BEGIN:VCALENDAR") as other:
        assert "no CalDAV server" in error_at(connect(page, dav, url=other.url), "url")


def test_connecting_twice_makes_one_account(page: Client, dav: DavProxy) -> None:
    connect(page, dav)
    connect(page, dav)
    assert CalendarAccount.objects.count() == 1


def test_an_account_that_was_refused_is_connected_again_with_its_calendars(
    page: Client, member: Member, dav: DavProxy
) -> None:
    connect(page, dav)
    account = CalendarAccount.objects.get()
    account.credentials = credentials_of(USER, "an older one")
    account.refused_at = now()
    account.save()
    later = now() + timedelta(hours=1)
    row = CalendarFactory.create(owner=member, account=account, kind="caldav", next_sync_at=later, failures=3)
    path = f"{CONNECT}?account={account.pk}"
    assert "Connect again" in text_of(page.get("/calendars/"))
    assert path in page.get("/calendars/").content.decode()
    assert 'value="anna"' in page.get(path).content.decode()
    assert "rejects" in error_at(connect(page, dav, path, password="wrong"), "password")
    connect(page, dav, path, url="https://elsewhere.example/")
    account = CalendarAccount.objects.get()
    row.refresh_from_db()
    assert account.refused_at is None
    assert (account.url, sign_in(account).password) == (f"{dav.url}/", PASSWORD)
    assert row.next_sync_at <= now()
    assert CalendarAccount.objects.count() == 1


@pytest.mark.parametrize("key", ["", "abc", "0", "9" * 30])
def test_an_account_that_does_not_exist_is_not_found(page: Client, key: str) -> None:
    assert page.get(f"{CONNECT}?account={key}").status_code == (404 if key else 200)


def test_another_member_s_account_is_not_found(page: Client, dav: DavProxy) -> None:
    other = CalendarAccount.objects.create(
        owner=MemberFactory.create(),
        provider="caldav",
        url=f"{dav.url}/",
        credentials=credentials_of("x", "y"),
    )
    assert page.get(f"{CONNECT}?account={other.pk}").status_code == 404
    assert connect(page, dav, f"{CONNECT}?account={other.pk}").status_code == 404


def test_only_staff_connect_an_account_for_all_members(
    page: Client, staff_page: Client, dav: DavProxy
) -> None:
    for client in (page, staff_page):
        connect(client, dav, is_for_everybody="on")
    assert sorted(account.owner is None for account in CalendarAccount.objects.all()) == [False, True]


def test_who_is_not_signed_in_connects_nothing(page: Client, dav: DavProxy) -> None:
    assert connect(Client(), dav)["Location"].startswith("/accounts/login/")
    assert dav.asked == []
