"""The administration refuses what the panel refuses."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registration.membership import member_of
from registration.models import Calendar, CalendarAccount, Member, Registration, User
from registration.tests.factories import CalendarFactory, MemberFactory
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db


def add(boss: Client, model: str, **data: str) -> Any:
    return boss.post(reverse(f"admin:registration_{model}_add"), data)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": "http://127.0.0.1/"}, "This address lies inside a private network."),
        ({"url": "ftp://example.org/"}, "The address has to begin with https:// or http://."),
        ({"url": ""}, "Enter the address of the calendar."),
        ({"url": "https://example.org/", "default_time_zone": "Mars"}, "“Mars” is not a time zone."),
    ],
)
def test_a_calendar_that_can_not_be_read_is_not_added(boss: Client, more: dict[str, str], said: str) -> None:
    answer = add(boss, "calendar", name="Shifts", kind="ical_url", interval="00:05:00", **more)
    assert said in text_of(answer)
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "standing", "pattern": "(abc"}, "This is not a valid pattern"),
        ({"kind": "standing", "pattern": "a", "exclude": "(abc"}, "This is not a valid pattern"),
        ({"kind": "standing", "pattern": '""', "syntax": "words"}, "Enter at least one word."),
        ({"kind": "standing", "pattern": "a", "text": "{tilte}"}, "did you mean {title}?"),
        ({"kind": "standing", "pattern": "a", "muted_sources": "7"}, "Type a list of sources"),
        ({"kind": "standing", "pattern": "a", "fields": "colour"}, "Select a valid choice"),
        ({"kind": "date", "starts_at_0": "9999-12-31", "starts_at_1": "23:59"}, "more than 50 years away"),
        ({"kind": "date", "starts_at_0": "0001-01-01", "starts_at_1": "00:00"}, "more than 50 years away"),
    ],
)
def test_a_registration_that_can_not_be_planned_is_not_added(
    boss: Client, more: dict[str, str], said: str
) -> None:
    plan = {"steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0"}
    same = {
        "member": str(Member.objects.get().pk),
        "name": "x",
        "title": "x",
        "severity": "10",
        "labels": "{}",
        "action": "notify",
        "syntax": "regex",
        "fields": "title",
        "all_day_at": "09:00",
        "muted_sources": "[]",
    }
    assert said in text_of(add(boss, "registration", **(same | plan | more)))
    assert not Registration.objects.exists()


def test_plain_words_are_no_regular_expression(boss: Client) -> None:
    plan = {"steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0"}
    data = {
        "member": str(Member.objects.get().pk),
        "name": "Drafts",
        "kind": "standing",
        "severity": "10",
        "labels": "{}",
        "action": "notify",
        "syntax": "words",
        "pattern": "c++ (draft",
        "all_day_at": "09:00",
        "muted_sources": '["system"]',
    }
    add(boss, "registration", **plan, **data)
    one = Registration.objects.get()
    assert (one.pattern, one.fields, one.muted_sources) == ("c++ (draft", ["title"], ["system"])


def change(boss: Client, calendar: Calendar, **data: Any) -> Any:
    url = reverse("admin:registration_calendar_change", args=[calendar.pk])
    typed = {"name": "Shifts", "kind": "ical_url", "interval": "00:05:00", "user_name": "ada"} | data
    answer = boss.post(url, typed)
    calendar.refresh_from_db()
    return answer


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("", "secret"),
        ("https://192.0.2.7/new", "secret"),
        ("https://192.0.2.8/", ""),
        ("https://192.0.2.7:8443/", ""),
    ],
)
def test_a_password_goes_to_no_other_server(boss: Client, settings: Any, url: str, left: str) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/25"]
    one = CalendarFactory.create(url="https://192.0.2.7/me", user_name="ada", password="secret")
    assert change(boss, one, owner=one.owner.pk, url=url).status_code == 302
    assert (one.url, one.password) == (url or "https://192.0.2.7/me", left)


def test_the_administration_gives_no_member_s_calendar_away(boss: Client) -> None:
    one = CalendarFactory.create(url="https://192.0.2.7/me")
    owner = one.owner
    for given in ("", MemberFactory.create().pk):
        assert change(boss, one, owner=given).status_code == 302
        assert (one.name, one.owner) == ("Shifts", owner)


def test_the_administration_gives_its_own_calendar_to_everyone(boss: Client, settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/25"]
    account = User.objects.get(pk=boss.session["_auth_user_id"])
    one = CalendarFactory.create(owner=member_of(account), url="https://192.0.2.7/me")
    assert change(boss, one, owner="").status_code == 302
    assert one.owner is None


def test_a_calendar_is_read_through_no_other_member_s_account(boss: Client) -> None:
    account = CalendarAccount.objects.create(owner=MemberFactory.create(), provider="google", name="Ada")
    one = CalendarFactory.create(kind="google", remote_id="x")
    answer = change(boss, one, owner=one.owner.pk, kind="google", account=account.pk)
    assert "This account and the calendar have different owners" in text_of(answer)
    assert one.account is None
