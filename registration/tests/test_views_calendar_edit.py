"""Changing a calendar in the panel, and switching it off."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import resolve

from common.clock import now
from registration.forms.calendar_edit import CalendarEditForm
from registration.models import Calendar, CalendarAccount, Member, Registration
from registration.tests.factories import CalendarFactory, RegistrationFactory
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
URL = "https://192.0.2.7/me.ics?key=secret-1"
FILE = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@pytest.fixture(autouse=True)
def _network(settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/25"]


@pytest.fixture
def calendar(member: Member) -> Calendar:
    made: Calendar = CalendarFactory.create(
        owner=member,
        name="Work",
        url=URL,
        user_name="ada",
        password="secret-2",
        etag="1",
        content_hash="2",
        next_sync_at=now() + timedelta(days=1),
    )
    return made


def save(page: Client, calendar: Calendar, **data: Any) -> Any:
    answer = page.post(f"/calendars/{calendar.pk}/edit/", {"name": "Work", "interval": "300"} | data)
    calendar.refresh_from_db()
    return answer


def test_what_is_left_empty_stays_as_it_is(page: Client, calendar: Calendar, member: Member) -> None:
    due = calendar.next_sync_at
    assert save(page, calendar, name="Office", interval="3600")["Location"] == "/calendars/"
    assert (calendar.name, calendar.interval) == ("Office", timedelta(hours=1))
    assert (calendar.url, calendar.user_name, calendar.password) == (URL, "ada", "secret-2")
    assert (calendar.owner, calendar.etag, calendar.next_sync_at) == (member, "1", due)


def test_no_secret_is_shown(page: Client, calendar: Calendar) -> None:
    html = page.get(f"/calendars/{calendar.pk}/edit/").content.decode()
    assert not [secret for secret in ("secret-1", "secret-2", "ada") if secret in html]


def test_a_new_address_is_read_at_once_and_as_a_whole(page: Client, calendar: Calendar) -> None:
    save(page, calendar, url="https://192.0.2.7/other.ics")
    assert calendar.url == "https://192.0.2.7/other.ics"
    assert (calendar.etag, calendar.content_hash, calendar.password) == ("", "", "secret-2")
    assert calendar.next_sync_at is not None
    assert calendar.next_sync_at <= now()


def test_words_for_canceled_titles_are_stored_and_the_calendar_is_read_again(
    page: Client, calendar: Calendar
) -> None:
    save(page, calendar, canceled_titles="^Canceled, called off")
    assert calendar.canceled_titles == "^Canceled, called off"
    assert calendar.content_hash == ""
    assert "called off" in page.get(f"/calendars/{calendar.pk}/edit/").content.decode()


@pytest.mark.parametrize("server", ["https://192.0.2.8", "https://192.0.2.7:8443", "http://192.0.2.7"])
def test_an_address_on_another_host_or_port_asks_for_the_password_again(
    page: Client, calendar: Calendar, server: str
) -> None:
    answer = save(page, calendar, url=f"{server}/me.ics")
    assert (calendar.url, calendar.user_name, calendar.password) == (f"{server}/me.ics", "", "")
    assert "Enter the user name and the password for it again" in text_of(page.get(answer["Location"]))


@pytest.mark.parametrize("server", ["https://192.0.2.7:443", "webcal://192.0.2.7", "HTTPS://192.0.2.7"])
def test_another_way_to_write_the_same_server_keeps_the_password(
    page: Client, calendar: Calendar, server: str
) -> None:
    save(page, calendar, url=f"{server}/other.ics")
    assert (calendar.user_name, calendar.password) == ("ada", "secret-2")


def test_an_address_on_another_port_with_its_own_sign_in_is_saved(page: Client, calendar: Calendar) -> None:
    answer = save(page, calendar, url="https://192.0.2.7:8443/", user_name="bert", password="new")
    assert answer["Location"] == "/calendars/"
    assert (calendar.user_name, calendar.password) == ("bert", "new")


def test_a_new_sign_in_replaces_the_old_one(page: Client, calendar: Calendar) -> None:
    save(page, calendar, user_name="bert", password="new")
    assert (calendar.url, calendar.user_name, calendar.password) == (URL, "bert", "new")


def test_a_sign_in_is_forgotten(page: Client, calendar: Calendar) -> None:
    save(page, calendar, forgets_sign_in="on")
    assert (calendar.user_name, calendar.password, calendar.etag) == ("", "", "")


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"url": "https://127.0.0.1/x.ics"}, "url", "private network"),
        ({"url": "https://192.0.2.9/other.ics"}, "url", "You already have this calendar."),
        ({"name": ""}, "name", "This field is required."),
        ({"interval": "1"}, "interval", "Choose one from the list."),
        ({"default_time_zone": "Mars/Base"}, "default_time_zone", "is not a time zone"),
    ],
)
def test_what_can_not_be_taken_is_told_next_to_its_field(
    page: Client, calendar: Calendar, data: dict[str, str], field: str, said: str
) -> None:
    CalendarFactory.create(owner=calendar.owner, url="https://192.0.2.9/other.ics")
    assert said in error_at(save(page, calendar, **data), field)
    assert (calendar.url, calendar.name) == (URL, "Work")


def test_an_unusual_interval_stays_until_another_is_chosen(page: Client, calendar: Calendar) -> None:
    Calendar.objects.filter(pk=calendar.pk).update(interval=timedelta(seconds=42))
    html = page.get(f"/calendars/{calendar.pk}/edit/").content.decode()
    assert '<option value="42" selected>every 42 seconds' in html
    save(page, calendar, interval="42")
    assert calendar.interval == timedelta(seconds=42)


def test_a_new_file_replaces_the_old_one(page: Client, member: Member) -> None:
    one = CalendarFactory.create(owner=member, kind="ical_file", url="", content="old", content_hash="1")
    save(page, one, file=SimpleUploadedFile("my.ics", FILE))
    assert (one.content, one.content_hash) == (FILE.decode(), "")
    save(page, one)
    assert one.content == FILE.decode()


@pytest.mark.parametrize("kind", ["google", "caldav"])
def test_a_calendar_of_an_account_has_no_address(page: Client, member: Member, kind: str) -> None:
    one = CalendarFactory.create(owner=member, kind=kind, remote_id="x", sync_token="1")
    assert 'name="url"' not in page.get(f"/calendars/{one.pk}/edit/").content.decode()
    save(page, one, name="Renamed", url="https://192.0.2.7/x.ics")
    assert (one.name, one.url, one.sync_token) == ("Renamed", "", "1")


def test_the_staff_shares_a_calendar_with_everyone_and_takes_it_back(
    staff_page: Client, staff: Member
) -> None:
    calendar = CalendarFactory.create(owner=staff, url=URL)
    looking = RegistrationFactory.create()
    save(staff_page, calendar, is_for_everybody="on")
    assert not Calendar.objects.filter(owner__isnull=False).exists()
    assert list(Registration.objects.unplanned()) == [looking]
    save(staff_page, calendar)
    assert Calendar.objects.filter(owner__isnull=False).exists()


def test_the_staff_shares_no_calendar_of_another_member(
    staff_page: Client, calendar: Calendar, member: Member
) -> None:
    assert "is_for_everybody" not in staff_page.get(f"/calendars/{calendar.pk}/edit/").content.decode()
    save(staff_page, calendar, is_for_everybody="on")
    assert calendar.owner == member


def test_a_member_shares_nothing_with_everyone(page: Client, calendar: Calendar, member: Member) -> None:
    save(page, calendar, is_for_everybody="on")
    assert calendar.owner == member


def test_the_staff_changes_a_member_s_calendar_without_taking_it(
    staff_page: Client, calendar: Calendar, member: Member
) -> None:
    save(staff_page, calendar, name="Renamed")
    assert (calendar.owner, calendar.name) == (member, "Renamed")


def test_a_calendar_is_switched_off_and_on(page: Client, calendar: Calendar) -> None:
    path = f"/calendars/{calendar.pk}/switch"
    page.post(path, {"is_active": "0"})
    assert not Calendar.objects.active().exists()
    assert "no notices of its events" in text_of(page.get("/calendars/"))
    page.post(path, {"is_active": "1"})
    assert list(Calendar.objects.due(now())) == [calendar]


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/calendars/?all=1", "/calendars/?all=1"),
        ("https://evil.example/", "/calendars/"),
        ("", "/calendars/"),
    ],
)
def test_a_button_leads_back_to_its_own_page(page: Client, calendar: Calendar, back: str, leads: str) -> None:
    assert page.post(f"/calendars/{calendar.pk}/read", {"next": back})["Location"] == leads


@pytest.mark.parametrize("is_for_everybody", [True, False])
def test_what_is_not_one_s_own_can_not_be_changed(page: Client, is_for_everybody: Any) -> None:
    one = CalendarFactory.create(**({"owner": None} if is_for_everybody else {}))
    assert page.get(f"/calendars/{one.pk}/edit/").status_code == 404
    assert page.post(f"/calendars/{one.pk}/switch", {"is_active": "0"}).status_code == 404


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_calendar_of_an_account_stays_with_those_to_whom_the_account_belongs(
    staff_page: Client, calendar: Calendar, is_shared: Any
) -> None:
    """The staff shares no calendar of a member's account with everyone."""
    owner = None if is_shared else calendar.owner
    account = CalendarAccount.objects.create(owner=owner, provider="google", name="ada@example.org")
    one = CalendarFactory.create(owner=owner, kind="google", account=account, remote_id="x")
    assert "is_for_everybody" not in staff_page.get(f"/calendars/{one.pk}/edit/").content.decode()
    save(staff_page, one, **({} if is_shared else {"is_for_everybody": "on"}))
    assert one.owner == owner


def test_saving_takes_back_nothing_that_a_sync_has_stored_meanwhile(
    calendar: Calendar, member: Member
) -> None:
    given = {"name": "Office", "interval": "300"}
    form = CalendarEditForm(given, instance=calendar, member=member, is_staff=False)
    assert form.is_valid()
    stored = {"etag": "2", "failures": 3, "problem": "It failed.", "lease_until": now(), "sync_token": "9"}
    Calendar.objects.filter(pk=calendar.pk).update(**stored)
    form.save()
    calendar.refresh_from_db()
    assert {name: getattr(calendar, name) for name in stored} == stored
    assert calendar.name == "Office"


@pytest.mark.parametrize("path", ["add/", "{}/edit/"])
def test_secrets_are_left_out_of_reports_of_errors(calendar: Calendar, path: str) -> None:
    view = resolve(f"/calendars/{path}".format(calendar.pk)).func
    request: Any = RequestFactory().post("/", {"url": URL, "password": "secret-2", "name": "Work"})
    request.user = AnonymousUser()
    view(request, **({"pk": calendar.pk} if "{}" in path else {}))
    assert {"url", "user_name", "password"} <= {*request.sensitive_post_parameters}
