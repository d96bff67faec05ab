"""Contact methods in a real browser: what a channel's own template brings works on the page."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulated_twilio import SimulatedTwilio

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def test_the_button_for_this_browser_says_why_it_can_not(panel: "Page", live_server: Any) -> None:
    refused: list[str] = []
    panel.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    panel.goto(f"{live_server.url}/targets/")
    panel.get_by_role("button", name="Notify me in this browser").click()
    # A headless browser allows no notifications.
    panel.get_by_role("alert").get_by_text("The browser does not allow notifications").wait_for()
    assert refused == []


def test_a_phone_number_is_typed_in_the_field_that_the_channel_declares(
    panel: "Page", live_server: Any
) -> None:
    panel.goto(f"{live_server.url}/targets/")
    panel.get_by_role("link", name="Phone call").click()
    field = panel.get_by_label("Phone number")
    assert (field.get_attribute("type"), field.get_attribute("autocomplete")) == ("tel", "tel")
    field.fill("12")
    panel.get_by_role("button", name="Send code").click()
    panel.get_by_text("This number lacks its country code").wait_for()


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_code_is_waited_for(
    panel: "Page", live_server: Any, simulated_twilio: SimulatedTwilio, *, has_scripts: bool
) -> None:
    context = panel.context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=has_scripts, storage_state=panel.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/targets/add/sms/")
    page.get_by_label("Phone number").fill("+819012345678")
    page.get_by_role("button", name="Send code").click()
    page.get_by_text("A code is on its way to").wait_for()
    assert "/verify/" in page.url
    assert len(simulated_twilio.messages()) == 1
    context.close()
