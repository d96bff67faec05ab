import time

import pytest

from simulator.provider.walker import SORRY
from simulator.tests.rest import SAY_HELLO, TO, call
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite

ASK = """<Response><Gather numDigits="1" timeout="5" action="/key"><Say>Press 1.</Say></Gather>
<Say>No key pressed.</Say></Response>"""


def test_the_document_is_fetched_with_what_twilio_says_of_the_call(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", SAY_HELLO)
    simulated_twilio.behave(TO, answers="person")
    created = call(simulated_twilio, Url=webhook_site.url("/twiml"))
    asked = webhook_site.wait_for("/twiml")[0]
    assert asked.method == "POST"
    assert asked.form["CallSid"] == created["sid"]
    assert asked.form["CallStatus"] == "in-progress"
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("Hello.",)


def test_nothing_is_fetched_before_the_call_is_answered(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", SAY_HELLO)
    simulated_twilio.behave(TO, answers="busy")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    simulated_twilio.wait_for_call(TO, status="busy")
    assert webhook_site.requests == []


def test_a_key_leads_to_the_action_relative_to_the_document(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/a/twiml", ASK)
    webhook_site.answer("/key", "<Response><Say>Thank you.</Say></Response>")
    simulated_twilio.behave(TO, answers="person", keys=["1"])
    call(simulated_twilio, Url=webhook_site.url("/a/twiml"))
    ended = simulated_twilio.wait_for_call(TO, status="completed")
    assert ended.said == ("Press 1.", "Thank you.")
    assert webhook_site.at("/key")[0].form["Digits"] == "1"


def test_without_a_key_the_next_verb_follows(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", ASK)
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("Press 1.", "No key pressed.")
    assert webhook_site.at("/key") == []


def test_an_empty_result_is_sent_when_it_is_wanted(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", '<Response><Gather actionOnEmptyResult="true" action="/key"/></Response>')
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert webhook_site.wait_for("/key")[0].form["Digits"] == ""


def test_a_key_over_the_prompt_ends_the_prompt(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    endless = f"<Response><Gather numDigits='1' action='/key'><Say loop='0'>{'On and on. ' * 50}</Say></Gather></Response>"
    webhook_site.answer("/twiml", endless)
    webhook_site.answer("/key", SAY_HELLO)
    simulated_twilio.behave(TO, answers="person", keys=["9"], interrupts=True)
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert len(simulated_twilio.wait_for_call(TO, status="completed").said) == 2


@pytest.mark.parametrize(
    ("attributes", "keys", "digits"),
    [
        ('numDigits="3"', "1234", "123"),
        ("", "42#7", "42"),
        ('finishOnKey="*"', "4#2*", "4#2"),
        ('timeout="2"', "77", "77"),
    ],
)
def test_digits_end_by_number_by_key_or_by_time(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite, attributes: str, keys: str, digits: str
) -> None:
    webhook_site.answer("/twiml", f'<Response><Gather action="/key" {attributes}/></Response>')
    simulated_twilio.behave(TO, answers="person", keys=[keys])
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert webhook_site.wait_for("/key")[0].form["Digits"] == digits


def test_each_gather_has_its_own_keys(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    webhook_site.answer("/twiml", ASK.replace("<Say>No key pressed.</Say>", "<Redirect/>"))
    webhook_site.answer("/key", SAY_HELLO)
    simulated_twilio.behave(TO, answers="person", keys=["", "", "2"])
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert webhook_site.wait_for("/key")[0].form["Digits"] == "2"
    assert len(webhook_site.at("/twiml")) == 3


def test_a_person_at_the_phone_presses_a_key(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    patient = ASK.replace('timeout="5"', 'timeout="600"')
    webhook_site.answer("/twiml", patient)
    webhook_site.answer("/key", SAY_HELLO)
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    simulated_twilio.answer(TO)
    simulated_twilio.press(TO, "1")
    assert webhook_site.wait_for("/key")[0].form["Digits"] == "1"


def test_a_key_without_a_gather_is_not_kept_for_later(simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio, Twiml='<Response><Pause length="600"/></Response>')
    simulated_twilio.answer(TO)
    simulated_twilio.wait_for_call(TO, status="in-progress")
    answer = simulated_twilio.control("POST", f"phones/{TO}/keys", {"digits": "1"})
    assert answer["is_heard"] is False


def test_hangup_ends_the_call_before_what_follows(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Twiml="<Response><Say>A.</Say><Hangup/><Say>B.</Say></Response>")
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("A.",)


def test_words_are_repeated_as_often_as_loop_says(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Twiml='<Response><Say loop="3" language="de-DE">Achtung.</Say></Response>')
    ended = simulated_twilio.wait_for_call(TO, status="completed")
    assert ended.said == ("Achtung.",) * 3
    assert ended.languages == ("de-DE",) * 3


def test_redirects_in_a_circle_end(simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite) -> None:
    webhook_site.answer("/twiml", "<Response><Redirect>/twiml</Redirect></Response>")
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    assert 11200 in simulated_twilio.wait_for_call(TO, status="completed").problems


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"status": 500}, 11200),
        ({"status": 404}, 11200),
        ({"content_type": "application/json"}, 12300),
        ({}, 12100),
    ],
)
def test_a_document_that_can_not_be_used_is_apologised_for(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite, details: dict[str, object], code: int
) -> None:
    webhook_site.answer("/twiml", "<Response><Say>unclosed</Response>", **details)
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"))
    ended = simulated_twilio.wait_for_call(TO, status="completed")
    assert ended.said == (SORRY,)
    assert ended.problems == (code,)


def test_the_fallback_is_asked_when_the_first_address_fails(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    webhook_site.answer("/twiml", "", status=503)
    webhook_site.answer("/fallback", SAY_HELLO)
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, Url=webhook_site.url("/twiml"), FallbackUrl=webhook_site.url("/fallback"))
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("Hello.",)
    told = webhook_site.at("/fallback")[0].form
    assert (told["ErrorCode"], told["ErrorUrl"]) == ("11200", webhook_site.url("/twiml"))


def test_time_passes_while_words_are_spoken(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person", answer_after=0)
    started = time.monotonic()
    call(simulated_twilio, Twiml=f"<Response><Say>{'word ' * 50}</Say></Response>")
    assert simulated_twilio.wait_for_call(TO, status="completed").duration == pytest.approx(24, abs=8)
    assert time.monotonic() - started >= 20 * 0.02
