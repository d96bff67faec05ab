"""The phone in a real browser."""

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from registration.tests.factories import TargetFactory
from simulator.tests.rest import TO, call, text
from tests.fixtures.people import signed_in
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

ASK = """<Response><Gather numDigits="1" timeout="600" action="/key">
<Say language="en-GB">Pump 3 has started. Press 1 to acknowledge.</Say></Gather></Response>"""


@pytest.fixture
def phone_page(simulated_twilio: SimulatedTwilio, live_server: "LiveServer", browser_page: "Page") -> "Page":
    target = TargetFactory(kind="voice", address=TO, shown="+49 1511 2345678")
    cookie = signed_in(target.member).cookies["sessionid"]
    browser_page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])
    browser_page.goto(live_server.url + reverse("simulator:phone"))
    return browser_page


def test_a_call_rings_is_read_aloud_and_takes_a_key(
    phone_page: "Page", simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", ASK)
    webhook_site.answer("/key", "<Response><Say>Thank you.</Say></Response>")
    call(simulated_twilio, Url=webhook_site.url("/twiml"), Timeout="600")
    phone_page.get_by_role("button", name="Answer", exact=True).click()
    phone_page.get_by_text("Press 1 to acknowledge").wait_for()
    phone_page.get_by_role("button", name="1", exact=True).click()
    phone_page.locator("#call-words").get_by_text("Thank you.").wait_for()
    assert webhook_site.wait_for("/key")[0].form["Digits"] == "1"
    phone_page.locator("#phone[data-status=completed]").wait_for()


def test_the_keyboard_presses_keys_too(
    phone_page: "Page", simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", ASK)
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    phone_page.locator("#phone[data-status=in-progress]").wait_for()
    phone_page.keyboard.press("9")
    assert webhook_site.wait_for("/key")[0].form["Digits"] == "9"


def test_a_call_is_declined(phone_page: "Page", simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio, Timeout="600")
    phone_page.get_by_role("button", name="Decline").click()
    simulated_twilio.wait_for_call(TO, status="busy")
    phone_page.get_by_role("status").get_by_text("Declined").wait_for()


def test_a_call_is_hung_up(phone_page: "Page", simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio, Timeout="600", Twiml='<Response><Pause length="600"/></Response>')
    phone_page.get_by_role("button", name="Answer", exact=True).click()
    phone_page.get_by_role("button", name="Hang up").click()
    simulated_twilio.wait_for_call(TO, status="completed")


def test_a_text_message_arrives_with_a_link_and_its_markup_as_text(
    phone_page: "Page", simulated_twilio: SimulatedTwilio
) -> None:
    text(simulated_twilio, Body="<b>Pump 3</b>: https://notice.example.org/a/b?c=d.")
    phone_page.get_by_text("<b>Pump 3</b>").wait_for()
    link = phone_page.get_by_role("link", name="https://notice.example.org/a/b?c=d")
    assert link.get_attribute("href") == "https://notice.example.org/a/b?c=d"


def test_what_is_said_is_spoken_once_in_its_language(
    phone_page: "Page", simulated_twilio: SimulatedTwilio
) -> None:
    # Headless browsers have no voice: what is handed to the browser's speech is what can be seen.
    phone_page.evaluate(
        "() => { window.spoken = [];"
        " speechSynthesis.speak = (said) => window.spoken.push([said.text, said.lang]); }"
    )
    # The pause lets the page hear of the answered call before the first words.
    twiml = """<Response><Pause length="20"/><Say language="de-DE" loop="2">Pumpe 3 läuft.</Say>
    <Say language="en-GB">Goodbye.</Say><Pause length="60"/></Response>"""
    call(simulated_twilio, Timeout="600", Twiml=twiml)
    phone_page.get_by_role("button", name="Answer", exact=True).click()
    phone_page.locator("#call-words").get_by_text("Goodbye.").wait_for()
    phone_page.locator("#phone[data-status=completed]").wait_for()
    assert phone_page.evaluate("() => window.spoken") == [
        ["Pumpe 3 läuft.", "de-DE"],
        ["Pumpe 3 läuft.", "de-DE"],
        ["Goodbye.", "en-GB"],
    ]


def test_a_text_is_answered_by_a_text(phone_page: "Page", simulated_twilio: SimulatedTwilio) -> None:
    text(simulated_twilio, Body="Pump 3 has started")
    phone_page.get_by_text("Pump 3 has started").wait_for()
    phone_page.get_by_label("Reply by text").fill("later")
    phone_page.get_by_role("button", name="Send").click()
    phone_page.locator(".phone-message-own").get_by_text("later").wait_for()
    assert [(one.from_, one.body) for one in simulated_twilio.messages()][1:] == [(TO, "later")]
