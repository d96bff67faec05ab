"""Texts to the account's numbers, Messaging Services, the balance: as Twilio's documentation describes them."""

import re
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from simulator.tests.rest import FROM, TO, ask, text
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite

SERVICE = "MG" + "5" * 32


def bodies(provider: SimulatedTwilio) -> list[str]:
    """Return the bodies of what was sent in reply."""
    return [one.body for one in provider.messages(TO) if one.direction == "outbound-reply"]


def send(provider: SimulatedTwilio) -> tuple[int, int | None]:
    reply = ask(provider, "POST", "Messages.json", {"To": TO, "From": FROM, "Body": "Hello"})
    return reply.status, reply.body.get("code")


def test_a_text_is_brought_to_the_webhook_signed_and_its_answer_is_sent(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/texts", "<Response><Message>Thank you.</Message></Response>")
    simulated_twilio.set_up_number(FROM, webhook_site.url("/texts"))
    simulated_twilio.write(TO, "Y & yes")
    (arrival,) = webhook_site.at("/texts")
    validator = RequestValidator(simulated_twilio.auth_token)
    assert validator.validate(arrival.url, arrival.form, arrival.headers["x-twilio-signature"])
    told = {name: arrival.form[name] for name in ("From", "To", "Body", "SmsStatus", "AccountSid")}
    assert told == {
        "From": TO,
        "To": FROM,
        "Body": "Y & yes",
        "SmsStatus": "received",
        "AccountSid": simulated_twilio.account_sid,
    }
    assert re.fullmatch("SM[0-9a-f]{32}", arrival.form["MessageSid"])
    assert bodies(simulated_twilio) == ["Thank you."]


@pytest.mark.parametrize("answer", ["", "<Response/>", "<Response><Say>No verb of texts</Say></Response>"])
def test_a_webhook_may_answer_nothing(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite, answer: str
) -> None:
    webhook_site.answer("/texts", answer)
    simulated_twilio.set_up_number(FROM, webhook_site.url("/texts"))
    simulated_twilio.write(TO, "Y")
    assert [one.problem for one in simulated_twilio.callbacks] == [""]
    assert bodies(simulated_twilio) == []


def test_stop_and_start_are_answered_by_the_provider_and_still_brought(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/texts", "<Response><Message>From us</Message></Response>")
    simulated_twilio.set_up_number(FROM, webhook_site.url("/texts"))
    simulated_twilio.write(TO, " stop ")
    assert send(simulated_twilio) == (400, 21610)
    assert len(bodies(simulated_twilio)) == 1  # its own; ours is refused
    simulated_twilio.write(TO, "please stop")
    simulated_twilio.write(TO, "Start")
    assert send(simulated_twilio)[0] == 201
    assert [one.form["Body"] for one in webhook_site.at("/texts")] == [" stop ", "please stop", "Start"]


def test_a_name_can_not_be_written_to(simulated_twilio: SimulatedTwilio) -> None:
    with pytest.raises(OSError, match="400"):
        simulated_twilio.write(TO, "Y", to="PFS Notice")


def test_a_messaging_service_chooses_its_number_later(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    created = text(
        simulated_twilio, From="", MessagingServiceSid=SERVICE, StatusCallback=webhook_site.url("/status")
    )
    shown = {name: created[name] for name in ("status", "from", "messaging_service_sid", "num_segments")}
    assert shown == {
        "status": "accepted",
        "from": None,
        "messaging_service_sid": SERVICE,
        "num_segments": "0",
    }
    told = webhook_site.wait_for("/status", 3)
    assert {arrival.form["MessagingServiceSid"] for arrival in told} == {SERVICE}
    assert ask(simulated_twilio, "GET", f"Messages/{created['sid']}.json").body["from"] == FROM


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"From": "", "MessagingServiceSid": "MG123"}, 21705),
        ({"From": "PFS Notice", "To": "+12024561111"}, 21612),
    ],
)
def test_senders_that_can_not_send_are_refused(
    simulated_twilio: SimulatedTwilio, parameters: dict[str, Any], code: int
) -> None:
    reply = ask(simulated_twilio, "POST", "Messages.json", {"To": TO, "Body": "Hello", **parameters})
    assert (reply.status, reply.body["code"]) == (400, code)


@pytest.mark.parametrize("sender", ["PFS Notice", "12345"])
def test_a_name_and_a_short_code_are_senders(simulated_twilio: SimulatedTwilio, sender: str) -> None:
    assert text(simulated_twilio, From=sender)["from"] == sender


def test_the_balance_and_the_numbers_are_told(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.control("POST", "balance", {"balance": "4.2"})
    simulated_twilio.set_up_number(FROM, "https://notice.example.org/texts")
    balance = ask(simulated_twilio, "GET", "Balance.json").body
    assert (balance["balance"], balance["currency"]) == ("4.2", "USD")
    (found,) = ask(simulated_twilio, "GET", "IncomingPhoneNumbers.json", {"PhoneNumber": FROM}).body[
        "incoming_phone_numbers"
    ]
    assert (found["phone_number"], found["sms_url"]) == (FROM, "https://notice.example.org/texts")
    none = ask(simulated_twilio, "GET", "IncomingPhoneNumbers.json", {"PhoneNumber": TO}).body
    assert none["incoming_phone_numbers"] == []
