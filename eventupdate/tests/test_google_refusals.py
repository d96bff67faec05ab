"""Google's refusals, lost answers and tokens that end: what a reading makes of them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from common.errors import FeedError
from eventupdate.reading import RefusedError
from eventupdate.tests.google_readings import MONDAY, read, titles
from registration.models import Calendar, CalendarAccount
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person
from tests.google.refusals import Refusal, api_refusal, oauth_refusal
from tests.servers import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_an_access_token_is_fetched_once_and_kept(
    google_calendar: Calendar, account: CalendarAccount
) -> None:
    read(google_calendar)
    kept = CalendarAccount.objects.get(pk=account.pk).credentials
    assert '"token": "ya29.' in kept
    read(Calendar.objects.get(pk=google_calendar.pk), is_fresh=False)
    assert CalendarAccount.objects.get(pk=account.pk).credentials == kept


def test_an_access_token_that_is_an_hour_old_is_refreshed(
    google_calendar: Calendar, account: CalendarAccount, clock: time_machine.Traveller
) -> None:
    read(google_calendar)
    kept = CalendarAccount.objects.get(pk=account.pk).credentials
    clock.shift(timedelta(hours=2))
    read(Calendar.objects.get(pk=google_calendar.pk))
    assert CalendarAccount.objects.get(pk=account.pk).credentials != kept


def test_an_access_token_that_ends_between_two_pages_is_refreshed_once(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    for number in range(4):
        ada_s.add(f"Event {number}", MONDAY)
    ada_s.page_sizes = [2]
    google.trouble("calendar.events.list", api_refusal(401, "authError", "Invalid Credentials"), skip=1)
    assert len(read(google_calendar).resources) == 4


def test_a_refresh_token_that_is_replaced_is_kept(
    google_calendar: Calendar, google: StandIn, clock: time_machine.Traveller
) -> None:
    google.oauth.rotates = True
    for _ in range(3):
        read(Calendar.objects.get(pk=google_calendar.pk))
        clock.shift(timedelta(hours=2))


def test_a_permission_that_was_withdrawn_asks_the_member(
    google_calendar: Calendar, ada: Person, google: StandIn
) -> None:
    google.oauth.withdraw(ada)
    with pytest.raises(RefusedError, match="connect again"):
        read(google_calendar)


def test_a_permission_that_was_withdrawn_within_the_hour_asks_the_member(
    google_calendar: Calendar, ada: Person, google: StandIn
) -> None:
    read(google_calendar)
    google.oauth.withdraw(ada)
    with pytest.raises(RefusedError, match="connect again"):
        read(google_calendar)


def test_an_account_without_tokens_asks_the_member(google_calendar: Calendar) -> None:
    CalendarAccount.objects.update(credentials="")
    with pytest.raises(RefusedError, match="connect again"):
        read(Calendar.objects.get(pk=google_calendar.pk))


def test_too_few_permissions_ask_the_member(google_calendar: Calendar, ada: Person, google: StandIn) -> None:
    google.oauth.narrow(ada, {"https://www.googleapis.com/auth/calendar.calendarlist.readonly"})
    with pytest.raises(RefusedError, match="connect again"):
        read(google_calendar)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            api_refusal(403, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits"),
            "fewer requests",
        ),
        (api_refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded"), "fewer requests"),
        (api_refusal(429, "rateLimitExceeded", "Too Many Requests"), "fewer requests"),
        (api_refusal(403, "accessNotConfigured", "Not used before"), "not enabled"),
        (api_refusal(403, "forbidden", "Forbidden"), "may not read"),
        (api_refusal(404, "notFound", "Not Found"), "may not read"),
        (api_refusal(500, "backendError", "Backend Error"), "has an error"),
        (api_refusal(503, "backendError", "Backend Error"), "has an error"),
        (Refusal(502, {}), "has an error"),
        (api_refusal(400, "badRequest", "Bad Request"), "answered with status 400"),
    ],
)
def test_a_refusal_in_the_middle_is_tried_again_later(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn, refusal: Refusal, said: str
) -> None:
    ada_s.add("One", MONDAY)
    ada_s.add("Two", MONDAY)
    ada_s.page_sizes = [1]
    google.trouble("calendar.events.list", refusal, skip=1)
    with pytest.raises(FeedError, match=said) as raised:
        read(google_calendar)
    assert not isinstance(raised.value, RefusedError)
    assert titles(read(google_calendar)) == ["One", "Two"]


def test_an_answer_that_breaks_off_is_no_reading(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    ada_s.add("Telecon", MONDAY)
    google.trouble("calendar.events.list", is_cut=True)
    with pytest.raises(FeedError, match="broke off"):
        read(google_calendar)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (oauth_refusal(401, "invalid_client", "Unauthorized"), "OAuth client is wrong"),
        (oauth_refusal(400, "invalid_request"), "invalid_request"),
    ],
)
def test_a_refusal_of_the_token_server_that_is_not_the_member_s_is_tried_again(
    google_calendar: Calendar, google: StandIn, refusal: Refusal, said: str
) -> None:
    google.trouble("token", refusal)
    with pytest.raises(FeedError, match=said) as raised:
        read(google_calendar)
    assert not isinstance(raised.value, RefusedError)


def test_a_token_server_that_can_not_be_reached_is_asked_again_later(
    google_calendar: Calendar, settings: Any
) -> None:
    settings.GOOGLE_TOKEN_URL = f"https://127.0.0.1:{free_port()}/token"
    with pytest.raises(FeedError, match="can't be reached") as raised:
        read(google_calendar)
    assert not isinstance(raised.value, RefusedError)


def test_without_an_oauth_client_it_is_said(google_calendar: Calendar, settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID = ""
    with pytest.raises(FeedError, match="not set up on this server"):
        read(google_calendar)


def test_tokens_of_a_new_connection_are_not_overwritten_by_an_older_reading(
    google_calendar: Calendar, account: CalendarAccount, google: StandIn, ada: Person
) -> None:
    assert google_calendar.account is not None  # read with the tokens of before
    newer = '{"refresh_token": "newer"}'
    CalendarAccount.objects.filter(pk=account.pk).update(credentials=newer)
    read(google_calendar)
    assert CalendarAccount.objects.get(pk=account.pk).credentials == newer
    google.oauth.withdraw(ada)
    with pytest.raises(FeedError, match="connected again while it was read") as raised:
        read(google_calendar)
    assert not isinstance(raised.value, RefusedError)


@pytest.mark.parametrize("body", [{}, {"kind": "calendar#events"}, {"items": []}])
def test_an_answer_that_says_nothing_of_the_calendar_is_no_empty_calendar(
    google_calendar: Calendar, google: StandIn, body: dict[str, Any]
) -> None:
    google.trouble("calendar.events.list", Refusal(200, body))
    with pytest.raises(FeedError, match="can't be read"):
        read(google_calendar, is_fresh=False)
