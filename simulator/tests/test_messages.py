import re

import pytest
from twilio.request_validator import RequestValidator

from simulator.tests.rest import FROM, TO, ask, text
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite


def statuses(site: WebhookSite) -> list[str]:
    return [arrival.parameters["MessageStatus"] for arrival in site.at("/status")]


def test_a_new_message_is_queued_and_then_arrives(simulated_twilio: SimulatedTwilio) -> None:
    created = text(simulated_twilio, Body="Pump 3 has started")
    assert created["status"] == "queued"
    assert re.fullmatch(r"SM[0-9a-f]{32}", created["sid"])
    assert simulated_twilio.wait_for_message(TO, status="delivered").body == "Pump 3 has started"
    shown = ask(simulated_twilio, "GET", f"Messages/{created['sid']}.json").body
    assert (shown["status"], shown["error_code"]) == ("delivered", None)


def test_every_state_is_told_and_signed(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    created = text(simulated_twilio, StatusCallback=webhook_site.url("/status"))
    told = webhook_site.wait_for("/status", 3)
    assert statuses(webhook_site) == ["queued", "sent", "delivered"]
    validator = RequestValidator(simulated_twilio.auth_token)
    for arrival in told:
        assert arrival.form["MessageSid"] == created["sid"]
        assert validator.validate(arrival.url, arrival.form, arrival.headers["x-twilio-signature"])


@pytest.mark.parametrize(
    ("behaviour", "states"),
    [
        ("undelivered", ["queued", "sent", "undelivered"]),
        ("failed", ["queued", "failed"]),
    ],
)
def test_a_message_that_does_not_arrive_has_an_error_code(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite, behaviour: str, states: list[str]
) -> None:
    simulated_twilio.behave(TO, message=behaviour, message_error=30005)
    text(simulated_twilio, StatusCallback=webhook_site.url("/status"))
    told = webhook_site.wait_for("/status", len(states))
    assert statuses(webhook_site) == states
    assert told[-1].form["ErrorCode"] == "30005"


def test_a_message_may_stay_sent_for_ever(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, message="sent")
    text(simulated_twilio, StatusCallback=webhook_site.url("/status"))
    webhook_site.wait_for("/status", 2)
    text(simulated_twilio, To="+4915112345699", StatusCallback=webhook_site.url("/other"))
    webhook_site.wait_for("/other", 3)
    assert statuses(webhook_site) == ["queued", "sent"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "017012345"}, 21211),
        ({"From": "no number at all"}, 21212),
        ({"To": FROM}, 21266),
        ({"StatusCallback": "/status"}, 21609),
    ],
)
def test_what_can_not_be_sent_is_refused_with_twilios_code(
    simulated_twilio: SimulatedTwilio, parameters: dict[str, str | list[str]], code: int
) -> None:
    whole: dict[str, str | list[str]] = {"To": TO, "From": FROM, "Body": "Hello", **parameters}
    reply = ask(simulated_twilio, "POST", "Messages.json", whole)
    assert (reply.status, reply.body["status"], reply.body["code"]) == (400, 400, code)
    assert reply.body["more_info"].endswith(str(code))
    assert simulated_twilio.messages() == []


@pytest.mark.parametrize(("behaviour", "code"), [("unsubscribed", 21610), ("invalid", 21211)])
def test_a_number_may_refuse_messages(simulated_twilio: SimulatedTwilio, behaviour: str, code: int) -> None:
    simulated_twilio.behave(TO, message=behaviour)
    reply = ask(simulated_twilio, "POST", "Messages.json", {"To": TO, "From": FROM, "Body": "Hello"})
    assert (reply.status, reply.body["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "segments"),
    [("x" * 160, "1"), ("x" * 161, "2"), ("ж" * 70, "1"), ("ж" * 71, "2"), ("€" * 81, "2")],
)
def test_long_messages_count_their_segments(
    simulated_twilio: SimulatedTwilio, body: str, segments: str
) -> None:
    assert text(simulated_twilio, Body=body)["num_segments"] == segments


def test_messages_are_listed_by_their_number(simulated_twilio: SimulatedTwilio) -> None:
    text(simulated_twilio)
    other = text(simulated_twilio, To="+4915112345699")
    found = ask(simulated_twilio, "GET", "Messages.json", {"To": "+4915112345699"}).body["messages"]
    assert [message["sid"] for message in found] == [other["sid"]]
