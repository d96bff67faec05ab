"""Calendars in the panel."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from common.clock import now
from registration.models import Calendar, CalendarAccount, Member, Registration
from registration.tests.factories import CalendarFactory, RegistrationFactory
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
TEXT = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


def file(content: bytes = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile("my.ics", content, content_type="text/calendar")


def test_a_calendar_is_added_by_its_address(page: Client, member: Member, settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/24"]
    page.post("/calendars/add/", {"name": "Work", "url": "webcal://192.0.2.7/me.ics?key=secret"})
    one = Calendar.objects.get()
    assert (one.owner, one.kind, one.url) == (member, "ical_url", "webcal://192.0.2.7/me.ics?key=secret")


def test_a_calendar_is_added_by_a_file(page: Client) -> None:
    page.post("/calendars/add/", {"name": "Work", "file": file()})
    one = Calendar.objects.get()
    assert (one.kind, one.content) == ("ical_file", TEXT.decode())


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({}, "url", "Enter an address, or choose a file."),
        ({"url": "https://127.0.0.1/x.ics"}, "url", "private network"),
        ({"url": "webcal://10.1.2.3/x.ics"}, "url", "private network"),
        ({"url": "https://[::1]/x.ics"}, "url", "private network"),
        ({"url": "file:///etc/passwd"}, "url", ""),
        ({"url": "not an address"}, "url", ""),
        ({"file": file(b"<html></html>")}, "file", "it has no line BEGIN:VCALENDAR"),
        ({"file": file(b"")}, "file", "empty"),
        ({"file": file(b"\xff\xfe\x00")}, "file", "not text in UTF-8"),
        ({"file": file(), "url": "https://127.0.0.1/x.ics"}, "url", "private network"),
        ({"file": file(), "default_time_zone": "x" * 70}, "default_time_zone", ""),
    ],
)
def test_what_can_not_be_taken_is_told_next_to_its_field(
    page: Client, data: dict[str, Any], field: str, said: str
) -> None:
    for one in data.values():
        if isinstance(one, SimpleUploadedFile):
            one.seek(0)
    told = error_at(page.post("/calendars/add/", {"name": "Work"} | data), field)
    assert told
    assert said in told
    assert not Calendar.objects.exists()


def test_a_time_zone_that_does_not_exist_is_told_next_to_its_field(page: Client) -> None:
    answer = page.post("/calendars/add/", {"name": "Work", "file": file(), "default_time_zone": "Mars/Base"})
    assert "is not a time zone" in error_at(answer, "default_time_zone")


def test_a_large_file_is_refused(page: Client) -> None:
    answer = page.post("/calendars/add/", {"name": "Work", "file": file(TEXT * 260_000)})
    assert error_at(answer, "file") == "The file is larger than 10 MB."


def test_only_the_staff_shares_a_calendar_with_everyone(
    page: Client, staff_page: Client, member: Member
) -> None:
    for client in (page, staff_page):
        client.post("/calendars/add/", {"name": "All", "file": file(), "is_for_everybody": "on"})
    assert sorted(owner is None for owner in (c.owner for c in Calendar.objects.all())) == [False, True]


def test_the_list_shows_own_and_shared_calendars_and_what_is_wrong(page: Client, member: Member) -> None:
    CalendarFactory.create(owner=member, name="Mine", problem="The feed is empty.", failed_at=now())
    CalendarFactory.create(owner=None, name="Holidays")
    CalendarFactory.create(name="Another member's")
    shown = text_of(page.get("/calendars/"))
    assert "The feed is empty." in shown
    assert "Holidays" in shown
    assert "Another member's" not in shown


def test_the_address_is_a_secret_on_the_page_too(page: Client, member: Member) -> None:
    CalendarFactory.create(owner=member, url="https://example.org/private-key-123.ics")
    assert "private-key-123" not in page.get("/calendars/").content.decode()


def test_whose_account_a_shared_calendar_is_read_through_is_no_member_s_business(
    page: Client, member: Member
) -> None:
    account = CalendarAccount.objects.create(provider="google", name="boss@example.org")
    shared = CalendarFactory.create(owner=None, name="Telecons", kind="google", account=account)
    own = CalendarAccount.objects.create(provider="google", name="me@example.org", owner=member)
    CalendarFactory.create(owner=member, name="Mine", kind="google", account=own)
    for address in ("/calendars/", f"/calendars/{shared.pk}/"):
        assert "boss@example.org" not in text_of(page.get(address))
    assert "me@example.org" in text_of(page.get("/calendars/"))


def test_reading_now_makes_it_due(page: Client, member: Member) -> None:
    one = CalendarFactory.create(owner=member, next_sync_at=None)
    page.post(f"/calendars/{one.pk}/read")
    one.refresh_from_db()
    assert one.next_sync_at is not None
    assert one.next_sync_at <= now()


@pytest.mark.parametrize("action", ["read", "delete"])
@pytest.mark.parametrize("is_for_everybody", [True, False])
def test_what_is_not_one_s_own_can_not_be_touched(page: Client, action: str, is_for_everybody: Any) -> None:
    one = CalendarFactory.create(**({"owner": None} if is_for_everybody else {}))
    assert page.post(f"/calendars/{one.pk}/{action}").status_code == 404
    assert Calendar.objects.filter(pk=one.pk).exists()


def test_deleting_has_registrations_that_see_all_calendars_planned_again(
    page: Client, member: Member
) -> None:
    one = CalendarFactory.create(owner=member)
    named = RegistrationFactory.create(member=member, calendar=one)
    all_calendars = RegistrationFactory.create(member=member)
    other = RegistrationFactory.create()
    page.post(f"/calendars/{one.pk}/delete")
    assert not Registration.objects.filter(pk=named.pk).exists()
    assert list(Registration.objects.unplanned()) == [all_calendars]
    assert Registration.objects.get(pk=other.pk).is_planned


def test_the_list_costs_the_same_for_many_calendars(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    CalendarFactory.create_batch(30, owner=member)
    with django_assert_max_num_queries(7):
        page.get("/calendars/")
