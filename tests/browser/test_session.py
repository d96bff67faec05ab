"""Forms and the session in a real browser: a session that ends, a second tab, leaving with edits."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session

from common.clock import now
from registration.models import Member, Registration
from tests.fixtures.people import new_member

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture
def form(panel: "Page", live_server: Any) -> "Page":
    """A page with a form that is partly filled in."""
    panel.goto(f"{live_server.url}/registrations/add/")
    panel.get_by_role("textbox", name="Title").fill("Feed the cat")
    panel.get_by_label("Starts").fill((now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
    return panel


def sign_in_again(page: "Page", password: str = "a long password") -> None:
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in").click()


def test_a_session_that_ends_in_the_middle_of_a_form_is_renewed_in_place(form: "Page") -> None:
    Session.objects.all().delete()
    form.get_by_role("dialog", name="Sign in again").wait_for()
    sign_in_again(form, "a wrong password")
    form.get_by_text("Wrong user name or password.").wait_for()
    sign_in_again(form)
    form.get_by_role("dialog", name="Sign in again").wait_for(state="hidden")
    assert form.get_by_role("textbox", name="Title").input_value() == "Feed the cat"
    form.get_by_role("button", name="Save").click()
    form.get_by_text("“Feed the cat” is saved.").wait_for()
    assert Registration.objects.get().title == "Feed the cat"


def test_a_form_that_is_sent_without_a_session_asks_first_and_is_stored(form: "Page") -> None:
    form.route("**/inbox/news*", lambda route: route.abort())
    Session.objects.all().delete()
    form.get_by_role("button", name="Save").click()
    sign_in_again(form)
    form.get_by_text("“Feed the cat” is saved.").wait_for()
    assert Registration.objects.count() == 1


def test_a_sign_in_in_a_second_tab_goes_on_in_the_first(
    form: "Page", browser_context: "BrowserContext", live_server: Any, member: Member
) -> None:
    Session.objects.all().delete()
    form.get_by_role("dialog", name="Sign in again").wait_for()
    tab = browser_context.new_page()
    tab.goto(f"{live_server.url}/accounts/login/")
    tab.get_by_label("Username").fill(member.user.username)
    tab.get_by_label("Password").fill("a long password")
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/upcoming/")
    form.bring_to_front()
    form.get_by_role("dialog", name="Sign in again").wait_for(state="hidden")
    form.get_by_role("button", name="Save").click()
    form.get_by_text("“Feed the cat” is saved.").wait_for()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_two_open_sign_in_pages_both_lead_on(
    browser: Any, live_server: Any, member: Member, *, has_scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=has_scripts)
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(f"{live_server.url}/accounts/login/?next=/history/")
    for tab in tabs:
        tab.get_by_label("Username").fill(member.user.username)
        tab.get_by_label("Password").fill("a long password")
        tab.get_by_role("button", name="Sign in").click()
        tab.wait_for_url("**/history/")
    context.close()


def test_leaving_with_edits_asks(form: "Page") -> None:
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    form.once("dialog", stay)
    form.get_by_role("link", name="History", exact=True).click(no_wait_after=True)
    form.wait_for_timeout(100)
    assert asked == ["beforeunload"]
    assert form.get_by_role("textbox", name="Title").input_value() == "Feed the cat"


def test_a_page_without_edits_is_left_at_once_and_leads_to_the_sign_in(panel: "Page") -> None:
    panel.on("dialog", lambda dialog: pytest.fail(dialog.type))
    panel.get_by_role("link", name="History", exact=True).click()
    panel.wait_for_url("**/history/")
    Session.objects.all().delete()
    panel.wait_for_url("**/accounts/login/?next=/history/")


def test_another_account_in_the_second_tab_does_not_send_the_form(
    form: "Page", browser_context: "BrowserContext", live_server: Any
) -> None:
    form.route("**/inbox/news*", lambda route: route.abort())
    other = new_member()
    Session.objects.all().delete()
    tab = browser_context.new_page()
    tab.goto(f"{live_server.url}/accounts/login/")
    tab.get_by_label("Username").fill(other.user.username)
    tab.get_by_label("Password").fill("a long password")
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/upcoming/")
    form.get_by_role("button", name="Save").click()
    form.get_by_role("dialog", name="Sign in again").wait_for()
    assert not Registration.objects.exists()


def test_a_new_member_gets_the_zone_of_the_browser(browser: Any, live_server: Any, member: Member) -> None:
    context = browser.new_context(timezone_id="Pacific/Honolulu")
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_label("Username").fill(member.user.username)
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Your time zone is Pacific/Honolulu, as in this browser.").wait_for()
    member.refresh_from_db()
    assert member.time_zone == "Pacific/Honolulu"
    context.close()
