"""Connecting a Google account in a browser: the redirect, the callback, and invalid callbacks."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from eventupdate.tests.google_browser import CALLBACK, CONNECT, LIST, at_google, choice_of, connect
from registration.models import Calendar, CalendarAccount, Member
from registration.tests.pages import settled, text_of
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person
from tests.google.refusals import oauth_refusal

pytestmark = pytest.mark.django_db


def test_an_account_is_connected_and_its_calendars_are_offered(
    page: Client, member: Member, google: StandIn, ada: Person
) -> None:
    ada.calendars.append(GoogleCalendar("team@group", summary="The team's"))
    shown = text_of(connect(page, google))
    account = CalendarAccount.objects.get()
    assert (account.owner, account.provider, account.name) == (member, "google", "ada@example.org")
    assert "“ada@example.org” is connected. Choose its calendars." in shown
    assert "ada@example.org your main calendar" in shown
    assert "The team's" in shown
    assert not Calendar.objects.exists()


def test_tokens_are_encrypted_and_never_shown(
    page: Client, google: StandIn, ada: Person, settings: Any
) -> None:
    shown = connect(page, google).content.decode()
    kept = CalendarAccount.objects.get().credentials
    assert "1//" in kept
    raw = CalendarAccount.objects.extra(select={"raw": "credentials"}).values_list("raw", flat=True).get()
    assert "1//" not in raw
    assert "ya29." not in shown
    assert settings.GOOGLE_CLIENT_SECRET not in kept


def test_google_is_asked_for_no_more_than_reading_with_a_proof_key(
    page: Client, google: StandIn, ada: Person
) -> None:
    asked = parse_qs(urlsplit(page.get(CONNECT)["Location"]).query)
    assert sorted(asked["scope"][0].split()) == [
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        "https://www.googleapis.com/auth/calendar.events.readonly",
    ]
    assert (asked["access_type"], asked["prompt"]) == (["offline"], ["consent"])
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16


def test_a_consent_that_was_denied_changes_nothing(page: Client, google: StandIn, ada: Person) -> None:
    ada.consents_to = set()
    assert "You did not let PFS Notice read your calendars." in text_of(connect(page, google))
    assert not CalendarAccount.objects.exists()


def test_a_permission_that_was_not_ticked_is_told(page: Client, google: StandIn, ada: Person) -> None:
    ada.consents_to = {"https://www.googleapis.com/auth/calendar.calendarlist.readonly"}
    assert "Both permissions are needed" in text_of(connect(page, google))
    assert not CalendarAccount.objects.exists()


def test_more_permissions_than_asked_for_do_no_harm(page: Client, google: StandIn, ada: Person) -> None:
    ada.has_granted_before = {"https://www.googleapis.com/auth/calendar.settings.readonly"}
    assert "“ada@example.org” is connected." in text_of(connect(page, google))


@pytest.mark.parametrize("change", [{"state": ["forged"]}, {"state": [""]}, {"state": []}])
def test_an_answer_with_a_wrong_state_changes_nothing(
    page: Client, google: StandIn, ada: Person, change: dict[str, list[str]]
) -> None:
    back = at_google(google, page.get(CONNECT)["Location"])
    query = parse_qs(urlsplit(back).query) | change
    assert "does not belong to a request of this browser" in text_of(page.get(CALLBACK, query, follow=True))
    assert not CalendarAccount.objects.exists()


def test_an_answer_that_another_browser_asked_for_changes_nothing(
    page: Client, other_page: Client, google: StandIn, ada: Person
) -> None:
    back = at_google(google, page.get(CONNECT)["Location"])
    other_page.get(CALLBACK, parse_qs(urlsplit(back).query))
    assert not CalendarAccount.objects.exists()


def test_no_request_waits_for_google(page: Client, google: StandIn, ada: Person) -> None:
    back = at_google(google, page.get(CONNECT)["Location"])
    waiting = page.get(CALLBACK, parse_qs(urlsplit(back).query))["Location"]
    assert page.get(waiting).status_code == 200
    assert not google.oauth.has_granted(ada)
    settled(page, page.get(waiting))
    assert google.oauth.has_granted(ada)


def test_an_answer_counts_once(page: Client, google: StandIn, ada: Person) -> None:
    back = at_google(google, page.get(CONNECT)["Location"])
    query = parse_qs(urlsplit(back).query)
    settled(page, page.get(CALLBACK, query))
    assert "does not belong" in text_of(page.get(CALLBACK, query, follow=True))
    assert CalendarAccount.objects.count() == 1


def test_a_code_that_is_too_old_changes_nothing(page: Client, google: StandIn, ada: Person) -> None:
    with time_machine.travel("2026-11-20T10:00:00Z") as clock:
        back = at_google(google, page.get(CONNECT)["Location"])
        clock.shift(timedelta(minutes=11))
        shown = text_of(settled(page, page.get(CALLBACK, parse_qs(urlsplit(back).query))))
    assert "Google rejected the code (invalid_grant): it may be too old." in shown
    assert not CalendarAccount.objects.exists()


def test_another_user_s_code_does_not_match_the_verifier(
    page: Client, other_page: Client, google: StandIn, ada: Person
) -> None:
    mine = parse_qs(urlsplit(at_google(google, page.get(CONNECT)["Location"])).query)
    theirs = parse_qs(urlsplit(at_google(google, other_page.get(CONNECT)["Location"])).query)
    assert "invalid_grant" in text_of(settled(page, page.get(CALLBACK, mine | {"code": theirs["code"]})))
    assert not CalendarAccount.objects.exists()


def test_a_token_server_with_a_fault_changes_nothing(page: Client, google: StandIn, ada: Person) -> None:
    google.trouble("token", oauth_refusal(500, "internal_failure"))
    assert "Google rejected the code" in text_of(connect(page, google))
    assert not CalendarAccount.objects.exists()


def test_staff_connect_an_account_for_all_members(staff_page: Client, google: StandIn, ada: Person) -> None:
    connect(staff_page, google, f"{CONNECT}?for=everybody")
    account = CalendarAccount.objects.get()
    staff_page.post(choice_of(staff_page, account), {"chosen": ["ada@example.org"]})
    assert (account.owner, Calendar.objects.get().owner) == (None, None)


def test_a_member_can_not_connect_an_account_for_all(
    page: Client, member: Member, google: StandIn, ada: Person
) -> None:
    connect(page, google, f"{CONNECT}?for=everybody")
    assert CalendarAccount.objects.get().owner == member


def test_without_an_oauth_client_nothing_is_offered(page: Client, settings: Any) -> None:
    assert CONNECT not in page.get(LIST).content.decode()
    assert page.get(CONNECT).status_code == 404


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 30, "-1"])
def test_an_account_that_can_not_be_is_not_found(page: Client, google: StandIn, number: str) -> None:
    assert page.get(f"{CONNECT}?account={number}").status_code == (404 if number else 302)


@pytest.mark.parametrize("url", [CONNECT, CALLBACK, "/calendars/accounts/1/"])
def test_a_sign_in_is_needed(db: None, client: Client, url: str) -> None:
    assert client.get(url)["Location"].startswith("/accounts/login")
