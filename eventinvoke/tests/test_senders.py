"""What calls and texts come from: by kind of sender, and by the country of the recipient."""

from datetime import timedelta
from typing import Any

import pytest

from common.channels import Message, Outcome, SendResult
from common.clock import now
from eventinvoke.channels import numbers
from eventinvoke.channels.sms.channel import SmsChannel
from eventinvoke.channels.voice.channel import VoiceChannel
from eventinvoke.providers.twilio.senders import Kind, Sender, read
from tests.simulated_twilio import SimulatedTwilio

SERVICE = "MG" + "5" * 32
BERLIN, BOSTON, PARIS = "+4915112345678", "+16175551212", "+33612345678"


def send(channel: Any, number: str) -> SendResult:
    message = Message("p" * 43, number, "Title", "Body", "tag", now() + timedelta(minutes=5))
    (result,) = [one for one in channel().send([message]) if one is not None]
    return result  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ("+1 (500) 555-0006", Sender(Kind.NUMBER, "+15005550006")),
        ("12345", Sender(Kind.SHORT_CODE, "12345")),
        ("PFS Notice", Sender(Kind.NAME, "PFS Notice")),
        (SERVICE, Sender(Kind.SERVICE, SERVICE)),
    ],
)
def test_each_kind_of_sender_is_read(given: str, sender: Sender) -> None:
    assert (read(given).default, read(given).problems) == (sender, ())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("+12", "no phone number"),
        ("15005550006", "no phone number"),
        ("A name of more than eleven letters", "no phone number"),
        ("MG123, PFS Notice", "comes second"),
        ("XX=12345", "XX in 'XX=12345' is no country"),
        ("DE=", "no phone number"),
        ("Störung", "no phone number"),
    ],
)
def test_what_can_not_be_read_is_said(given: str, said: str) -> None:
    (problem,) = read(given).problems
    assert said in problem


@pytest.mark.parametrize(
    ("text_from", "number", "field"),
    [
        ("", BERLIN, ("From", "+15005550006")),
        ("PFS Notice", BERLIN, ("From", "PFS Notice")),
        (SERVICE, BERLIN, ("MessagingServiceSid", SERVICE)),
        (f"{SERVICE}, de=PFS Notice, FR=38000", BERLIN, ("From", "PFS Notice")),
        (f"{SERVICE}, de=PFS Notice, FR=38000", PARIS, ("From", "38000")),
        (f"{SERVICE}, de=PFS Notice, FR=38000", BOSTON, ("MessagingServiceSid", SERVICE)),
        ("DE=PFS Notice", BOSTON, ("From", "+15005550006")),
    ],
)
def test_a_text_comes_from_the_sender_for_the_recipients_country(
    simulated_twilio: SimulatedTwilio, settings: Any, text_from: str, number: str, field: tuple[str, str]
) -> None:
    settings.TWILIO_TEXT_FROM = text_from
    assert send(SmsChannel, number).outcome is Outcome.ACCEPTED
    (request,) = simulated_twilio.requests
    assert [pair for pair in request.parameters if pair[0] in {"From", "MessagingServiceSid"}] == [field]


@pytest.mark.parametrize(
    ("given", "number", "caller"),
    [
        ("+15005550006, DE=+4930901820", BERLIN, "+4930901820"),
        ("+15005550006, DE=+4930901820", BOSTON, "+15005550006"),
        ("DE=PFS Notice, +15005550006", BERLIN, "+15005550006"),  # a name can't call
        ("PFS Notice, US=+15005550006", BERLIN, "+15005550006"),
    ],
)
def test_a_call_comes_from_a_number(
    simulated_twilio: SimulatedTwilio, settings: Any, given: str, number: str, caller: str
) -> None:
    settings.TWILIO_FROM_NUMBER, settings.TWILIO_TEXT_FROM = given, "PFS Notice"
    assert send(VoiceChannel, number).outcome is Outcome.ACCEPTED
    assert [request.get("From") for request in simulated_twilio.requests] == [caller]


@pytest.mark.parametrize("given", ["PFS Notice", SERVICE, "12", ""])
def test_without_a_number_calls_fail_as_misconfigured_and_texts_go_out_where_they_can(
    simulated_twilio: SimulatedTwilio, settings: Any, given: str
) -> None:
    settings.TWILIO_FROM_NUMBER = given
    result = send(VoiceChannel, BERLIN)
    assert (result.outcome, "TWILIO_FROM_NUMBER" in result.reason) == (Outcome.MISCONFIGURED, True)
    is_sender = read(given).default is not None
    assert send(SmsChannel, BERLIN).outcome is (Outcome.ACCEPTED if is_sender else Outcome.MISCONFIGURED)


def test_the_countries_of_the_senders_are_allowed(settings: Any) -> None:
    settings.IS_SIMULATED, settings.NOTICE_COUNTRIES = False, []
    settings.TWILIO_FROM_NUMBER, settings.TWILIO_TEXT_FROM = "+4930901820", f"{SERVICE}, FR=PFS Notice"
    assert numbers.allowed_countries() == frozenset({"DE", "FR"})


def test_a_text_says_that_it_can_be_answered_only_where_it_can(
    simulated_twilio: SimulatedTwilio, settings: Any
) -> None:
    settings.TWILIO_TEXT_REPLIES = True
    settings.TWILIO_TEXT_FROM = "FR=PFS Notice"
    send(SmsChannel, BERLIN)
    send(SmsChannel, PARIS)
    settings.TWILIO_TEXT_REPLIES = False
    send(SmsChannel, BERLIN)
    bodies = [request.get("Body") for request in simulated_twilio.requests]
    assert [body.endswith("\nOr reply Y, N, LATER or STOP.") for body in bodies] == [True, False, False]


def test_a_message_of_a_service_whose_answer_was_lost_is_found(
    simulated_twilio: SimulatedTwilio, settings: Any
) -> None:
    settings.TWILIO_TEXT_FROM = SERVICE
    simulated_twilio.behave(BERLIN, message="sent")
    simulated_twilio.break_next("create-message", "accept-then-drop")
    message = Message(
        "p" * 43, BERLIN, "Title", "Body", "tag", now() + timedelta(minutes=5), started_at=now()
    )
    list(SmsChannel().send([message]))
    (found,) = SmsChannel().ask([message])
    assert found.outcome is Outcome.ACCEPTED
