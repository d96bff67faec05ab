"""Connecting a Google account in a real browser: out to another origin, and back with the session."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from registration.models import Calendar, CalendarAccount, Member
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture
def browser_context(browser: "Browser") -> Iterator["BrowserContext"]:
    """A browser that trusts the stand-in's certificate."""
    context = browser.new_context(locale="en-GB", ignore_https_errors=True)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def calendars(
    browser_page: "Page", live_server: Any, member: Member, google: StandIn, settings: Any, jobs: None
) -> "Page":
    """The page of calendars, signed in through the form."""
    settings.NOTICE_PUBLIC_URL = live_server.url
    google.oauth.redirect_urls = {f"{live_server.url}/calendars/google/callback"}
    browser_page.goto(f"{live_server.url}/accounts/login/?next=/calendars/")
    browser_page.get_by_label("Username").fill(member.user.username)
    browser_page.get_by_label("Password").fill("a long password")
    browser_page.get_by_role("button", name="Sign in").click()
    browser_page.wait_for_url("**/calendars/")
    return browser_page


def test_an_account_is_connected_its_calendars_chosen_and_let_go(
    calendars: "Page", ada: Person, google: StandIn
) -> None:
    ada.calendars.append(GoogleCalendar("team@group", summary="The team's"))
    calendars.get_by_role("link", name="Connect Google Calendar").click()
    calendars.get_by_text("“ada@example.org” is connected. Choose its calendars.").wait_for()
    calendars.get_by_label("The team's").check()
    calendars.get_by_role("button", name="Save").click()
    calendars.get_by_text("One calendar is added. The first sync starts within a minute.").wait_for()
    assert Calendar.objects.get().remote_id == "team@group"
    calendars.get_by_role("link", name="Choose calendars").click()
    calendars.get_by_label("The team's").uncheck()
    calendars.get_by_role("button", name="Save").click()
    calendars.get_by_role("button", name="Delete").click()
    calendars.get_by_text("One calendar is deleted.").wait_for()
    assert not Calendar.objects.exists()
    calendars.on("dialog", lambda dialog: dialog.accept())
    calendars.get_by_role("button", name="Disconnect").click()
    calendars.get_by_text("“ada@example.org” is disconnected").wait_for()
    assert not CalendarAccount.objects.exists()
    assert not google.oauth.has_granted(ada)


def test_a_denied_consent_brings_the_member_back_with_a_sentence(calendars: "Page", ada: Person) -> None:
    ada.consents_to = set()
    calendars.get_by_role("link", name="Connect Google Calendar").click()
    calendars.get_by_text("You did not let PFS Notice read your calendars.").wait_for()
    calendars.get_by_role("link", name="Connect Google Calendar").wait_for()
