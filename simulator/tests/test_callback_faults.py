from twilio.request_validator import RequestValidator

from simulator.tests.rest import EVENTS, TO, call, statuses
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite


def deliver(provider: SimulatedTwilio, site: WebhookSite, **faults: object) -> None:
    provider.behave(TO, answers="person", callbacks=faults)
    call(provider, StatusCallback=site.url("/status"), StatusCallbackEvent=EVENTS)


def test_the_last_one_can_come_first(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    deliver(simulated_twilio, webhook_site, reversed=True)
    webhook_site.wait_for("/status", 4)
    assert statuses(webhook_site) == ["completed", "in-progress", "ringing", "initiated"]
    numbers = [arrival.parameters["SequenceNumber"] for arrival in webhook_site.at("/status")]
    assert numbers == ["3", "2", "1", "0"]


def test_each_can_come_twice_with_the_same_token(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    deliver(simulated_twilio, webhook_site, duplicates=1)
    told = webhook_site.wait_for("/status", 8)
    tokens = [arrival.headers["i-twilio-idempotency-token"] for arrival in told]
    assert tokens[0::2] == tokens[1::2]
    assert len(set(tokens)) == 4


def test_some_can_be_lost(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    deliver(simulated_twilio, webhook_site, lost=["ringing", "completed"])
    simulated_twilio.wait_for_callbacks(4)
    assert statuses(webhook_site) == ["initiated", "in-progress"]


def test_they_can_be_late(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    deliver(simulated_twilio, webhook_site, late=60)
    simulated_twilio.wait_for_call(TO, status="completed")
    assert statuses(webhook_site) == []
    webhook_site.wait_for("/status", 4)


def test_they_can_be_forged(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    deliver(simulated_twilio, webhook_site, signed_with="not the token")
    arrival = webhook_site.wait_for("/status")[0]
    signature = arrival.headers["x-twilio-signature"]
    assert not RequestValidator(simulated_twilio.auth_token).validate(arrival.url, arrival.form, signature)
    assert RequestValidator("not the token").validate(arrival.url, arrival.form, signature)


def test_one_that_can_not_be_delivered_harms_nothing(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="busy")
    call(simulated_twilio, StatusCallback="http://127.0.0.1:9/status")
    assert simulated_twilio.wait_for_callbacks(1)[0].status is None
