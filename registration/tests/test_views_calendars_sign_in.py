"""Calendars behind a user name and a password, and the same calendar twice."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from registration.models import Calendar, Member
from registration.tests.factories import CalendarFactory
from registration.tests.pages import error_at

pytestmark = pytest.mark.django_db
URL = "https://192.0.2.7/me.ics"


@pytest.fixture(autouse=True)
def _network(settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/25"]


def add(page: Client, **data: str) -> Any:
    return page.post("/calendars/add/", {"name": "Work", "url": URL} | data)


def test_a_user_name_and_a_password_are_stored_encrypted(page: Client) -> None:
    add(page, user_name="ada", password=" pass:wörd ")
    one = Calendar.objects.get()
    assert (one.user_name, one.password) == ("ada", " pass:wörd ")
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_name, password FROM registration_calendar")
        assert not [text for text in cursor.fetchone() if "ada" in text or "wörd" in text]


def test_a_sign_in_inside_the_address_moves_to_its_own_fields(page: Client) -> None:
    add(page, url="webcal://ada:p%40ss@192.0.2.7/me.ics?key=1")
    one = Calendar.objects.get()
    assert (one.url, one.user_name, one.password) == ("webcal://192.0.2.7/me.ics?key=1", "ada", "p@ss")


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"password": "secret"}, "user_name", "the user name for this password"),
        ({"url": "https://ada:x@192.0.2.7/", "user_name": "bert"}, "user_name", "in one place only"),
        ({"url": "http://192.0.2.200/", "user_name": "ada", "password": "x"}, "url", "private network"),
        ({"url": "http://8.8.8.8/", "user_name": "ada", "password": "x"}, "url", "Over http://"),
    ],
)
def test_a_sign_in_that_can_not_be_used_is_told_of(
    page: Client, data: dict[str, str], field: str, said: str
) -> None:
    assert said in error_at(add(page, **data), field)
    assert not Calendar.objects.exists()


def test_a_password_is_shown_nowhere(page: Client) -> None:
    answer = add(page, name="", user_name="ada", password="secret-one")
    assert answer.status_code == 200
    assert "secret-one" not in answer.content.decode()
    add(page, user_name="ada", password="secret-one")
    assert "secret-one" not in page.get("/calendars/").content.decode()


@pytest.mark.parametrize(
    "again",
    [URL, "webcal://192.0.2.7/me.ics", " HTTPS://192.0.2.7:443/me.ics", "https://ada:x@192.0.2.7/me.ics"],
)
def test_the_same_calendar_is_not_added_twice(page: Client, again: str) -> None:
    add(page)
    assert error_at(add(page, url=again), "url") == "You already have this calendar."
    assert Calendar.objects.count() == 1


def test_another_key_is_another_calendar(page: Client) -> None:
    add(page)
    add(page, url=f"{URL}?key=2")
    assert Calendar.objects.count() == 2


def test_a_calendar_that_another_member_has_may_be_added(page: Client, member: Member) -> None:
    CalendarFactory.create(url=URL)
    CalendarFactory.create(url=URL, owner=None)
    add(page)
    assert Calendar.objects.filter(owner=member).count() == 1


def test_a_shared_calendar_is_not_added_twice(staff_page: Client) -> None:
    CalendarFactory.create(url=URL, owner=None)
    assert error_at(add(staff_page, is_for_everybody="on"), "url") == "You already have this calendar."
