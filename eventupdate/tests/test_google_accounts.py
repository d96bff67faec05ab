"""A connected Google account: choosing calendars, connecting again, disconnecting."""

from typing import Any

import pytest
from django.test import Client

from eventinvoke.models import Event
from eventinvoke.tests.factories import EventFactory
from eventupdate.tests.google_browser import CONNECT, LIST, choice_of, connect
from registration.models import Calendar, CalendarAccount, Member, Registration
from registration.tests.factories import RegistrationFactory
from registration.tests.pages import settled, text_of
from tests.fixtures.people import signed_in
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person
from tests.google.refusals import api_refusal

pytestmark = pytest.mark.django_db


def remote_ids() -> list[str]:
    return sorted(Calendar.objects.values_list("remote_id", flat=True))


def test_the_chosen_calendars_are_read_and_the_others_are_not(
    page: Client, member: Member, google: StandIn, ada: Person
) -> None:
    ada.calendars += [GoogleCalendar("team@group", summary="The team's"), GoogleCalendar("other@group")]
    connect(page, google)
    account = CalendarAccount.objects.get()
    page.post(choice_of(page, account), {"chosen": ["team@group", "unknown\0"]})
    one = Calendar.objects.get()
    assert (one.owner, one.kind, one.account, one.remote_id, one.name) == (
        member,
        "google",
        account,
        "team@group",
        "The team's",
    )


def test_many_calendars_come_in_pages_and_those_without_titles_not_at_all(
    page: Client, google: StandIn, ada: Person
) -> None:
    ada.calendars += [GoogleCalendar(f"c{number}@group") for number in range(300)]
    ada.roles["c7@group"] = "freeBusyReader"
    html = connect(page, google).content.decode()
    assert html.count('name="chosen"') == 300
    assert "c299@group" in html
    assert "c7@group" not in html


def test_choosing_twice_brings_no_calendar_twice(page: Client, google: StandIn, ada: Person) -> None:
    connect(page, google)
    url = choice_of(page, CalendarAccount.objects.get())
    for _ in range(2):
        page.post(url, {"chosen": ["ada@example.org"]})
    assert remote_ids() == ["ada@example.org"]


def test_letting_a_calendar_go_is_asked_about_first(
    page: Client, member: Member, google: StandIn, ada: Person
) -> None:
    ada.calendars.append(GoogleCalendar("team@group"))
    connect(page, google)
    url = choice_of(page, CalendarAccount.objects.get())
    page.post(url, {"chosen": ["ada@example.org", "team@group"]})
    team = Calendar.objects.get(remote_id="team@group")
    RegistrationFactory.create(member=member, calendar=team)
    sees_all = RegistrationFactory.create(member=member)
    asked = text_of(page.post(url, {"chosen": ["ada@example.org"]}))
    assert "Delete 1 calendar?" in asked
    assert "team@group (1 registration)" in asked
    assert remote_ids() == ["ada@example.org", "team@group"]
    page.post(url, {"chosen": ["ada@example.org"], "let_go": [team.pk, "x", "9" * 30]})
    assert remote_ids() == ["ada@example.org"]
    assert list(Registration.objects.unplanned()) == [sees_all]


def test_a_list_that_can_not_be_had_is_told(google: StandIn, account: CalendarAccount) -> None:
    page = signed_in(account.owner)
    google.trouble("calendar.calendarList.list", api_refusal(500, "backendError", "Backend Error"))
    shown = text_of(settled(page, page.post(f"/calendars/accounts/{account.pk}/")))
    assert "Google has an error" in shown
    assert "Try again" in shown


def test_a_withdrawn_permission_is_told_with_a_way_to_connect_again(
    google: StandIn, account: CalendarAccount, ada: Person
) -> None:
    page = signed_in(account.owner)
    google.oauth.withdraw(ada)
    answer = settled(page, page.post(f"/calendars/accounts/{account.pk}/"))
    assert "Google wants you to connect again." in text_of(answer)
    assert f'href="{CONNECT}?account={account.pk}"' in answer.content.decode()


def test_connecting_again_keeps_the_calendars_and_their_events(
    google: StandIn, google_calendar: Calendar, ada: Person
) -> None:
    account = google_calendar.account
    assert account is not None
    page = signed_in(account.owner)
    event = EventFactory.create(source=google_calendar.source)
    CalendarAccount.objects.update(refused_at="2026-11-20T10:00Z")
    Calendar.objects.update(problem="Google wants you to connect again.", failures=3, next_sync_at=None)
    assert f'href="{CONNECT}?account={account.pk}"' in page.get(LIST).content.decode()
    shown = text_of(connect(page, google, f"{CONNECT}?account={account.pk}"))
    assert "“ada@example.org” is connected again." in shown
    assert "wants you to connect again" not in shown
    assert google.oauth.hints == ["ada@example.org"]
    again = CalendarAccount.objects.get()
    assert (again.pk, again.refused_at) == (account.pk, None)
    one = Calendar.objects.get()
    assert (one.pk, one.problem, one.failures, one.next_sync_at is not None) == (
        google_calendar.pk,
        "",
        0,
        True,
    )
    assert Event.objects.get() == event


def test_connecting_again_with_another_account_changes_nothing(
    google: StandIn, account: CalendarAccount
) -> None:
    page = signed_in(account.owner)
    google.oauth.visitor = google.person("bob@example.org")
    shown = text_of(connect(page, google, f"{CONNECT}?account={account.pk}"))
    assert "You chose “bob@example.org”, but “ada@example.org” has to be connected again." in shown
    assert CalendarAccount.objects.get().credentials == account.credentials


def test_connecting_a_known_account_from_the_list_is_connecting_it_again(
    google: StandIn, account: CalendarAccount
) -> None:
    page = signed_in(account.owner)
    connect(page, google)
    assert CalendarAccount.objects.get().pk == account.pk


def test_disconnecting_gives_the_permission_back_and_removes_the_calendars(
    google: StandIn, google_calendar: Calendar, ada: Person
) -> None:
    page = signed_in(google_calendar.owner)
    shown = text_of(settled(page, page.post(f"/calendars/accounts/{google_calendar.account_id}/disconnect")))
    assert "“ada@example.org” is disconnected" in shown
    assert not Calendar.objects.exists()
    assert not CalendarAccount.objects.exists()
    assert not google.oauth.has_granted(ada)


def test_disconnecting_works_when_google_does_not(
    google: StandIn, google_calendar: Calendar, ada: Person, settings: Any
) -> None:
    settings.GOOGLE_REVOKE_URL = "https://127.0.0.1:1/revoke"
    page = signed_in(google_calendar.owner)
    settled(page, page.post(f"/calendars/accounts/{google_calendar.account_id}/disconnect"))
    assert not CalendarAccount.objects.exists()


def test_disconnecting_leaves_the_permission_that_a_second_connection_needs(
    google: StandIn, account: CalendarAccount, ada: Person
) -> None:
    CalendarAccount.objects.create(provider="google", name="ada@example.org", credentials=account.credentials)
    page = signed_in(account.owner)
    settled(page, page.post(f"/calendars/accounts/{account.pk}/disconnect"))
    assert google.oauth.has_granted(ada)


def test_another_member_s_account_is_not_found(
    other_page: Client, staff_page: Client, account: CalendarAccount
) -> None:
    for client in (other_page, staff_page):
        url = f"/calendars/accounts/{account.pk}/"
        assert client.get(url).status_code == client.post(f"{url}disconnect").status_code == 404
        assert client.get(f"{CONNECT}?account={account.pk}").status_code == 404


def test_a_member_can_not_change_an_account_for_all(page: Client, account: CalendarAccount) -> None:
    CalendarAccount.objects.update(owner=None)
    assert page.get(f"/calendars/accounts/{account.pk}/").status_code == 404
    assert "ada@example.org" not in text_of(page.get(LIST))


def test_a_refused_calendar_has_a_button_for_those_who_may_connect_it(
    staff_page: Client, google: StandIn, google_calendar: Calendar
) -> None:
    CalendarAccount.objects.update(refused_at="2026-11-20T10:00Z")
    button = f'href="{CONNECT}?account={google_calendar.account_id}"'
    mine = signed_in(google_calendar.owner).get(LIST).content.decode()
    assert mine.count(button) == 2  # with the calendar, and with the account
    staff = staff_page.get(f"{LIST}?all=1")
    assert "wants you to connect again" in text_of(staff)
    assert button not in staff.content.decode()
