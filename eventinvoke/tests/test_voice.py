"""What the voice channel asks of Twilio."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from pytest_django import Settings

from common.channels import Message, Outcome, SendResult
from common.clock import now
from common.errors import AddressError
from common.languages import TRANSLATED
from eventinvoke.channels.voice import code
from eventinvoke.channels.voice.channel import VoiceChannel
from eventinvoke.channels.voice.voices import VOICES, voice_for
from tests.simulated_twilio import SeenRequest, SimulatedTwilio

NUMBER = "+4915123456789"


def message(**changes: object) -> Message:
    made = Message(
        process_id="p" * 43,
        address=NUMBER,
        title="Weekly telecon",
        body="At 15:05, in 5 minutes",
        tag="notice-1",
        expires_at=now() + timedelta(minutes=10),
        started_at=now(),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def send(*messages: Message) -> list[SendResult]:
    return [result for result in VoiceChannel().send(messages) if result is not None]


def created(twilio: SimulatedTwilio) -> SeenRequest:
    (request,) = [seen for seen in twilio.requests if seen.operation == "create-call"]
    return request


@pytest.fixture(autouse=True)
def public_address(settings: Settings) -> None:
    settings.NOTICE_PUBLIC_URL = "https://notice.example.org"


def test_a_call_names_its_content_its_callbacks_and_how_to_detect_machines(
    simulated_twilio: SimulatedTwilio,
) -> None:
    send(message())
    request = created(simulated_twilio)
    page = f"https://notice.example.org/n/{'p' * 43}"
    assert dict(request.parameters) == {
        "To": NUMBER,
        "From": "+15005550006",
        "Timeout": "40",
        "TimeLimit": "300",
        "Url": f"{page}/call",
        "Method": "POST",
        "FallbackUrl": f"{page}/fallback",
        "FallbackMethod": "POST",
        "StatusCallback": f"{page}/call-status",
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": "completed",
        "MachineDetection": "Enable",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": f"{page}/call-status",
        "AsyncAmdStatusCallbackMethod": "POST",
    }
    assert request.getall("StatusCallbackEvent") == ["initiated", "ringing", "answered", "completed"]


def test_it_rings_no_longer_than_the_notice_is_wanted(simulated_twilio: SimulatedTwilio) -> None:
    send(message(expires_at=now() + timedelta(seconds=12, milliseconds=500)))
    assert created(simulated_twilio).get("Timeout") in {"11", "12"}


def test_a_notice_that_has_expired_is_not_sent(simulated_twilio: SimulatedTwilio) -> None:
    (result,) = send(message(expires_at=now()))
    assert result.outcome == Outcome.REJECTED
    assert simulated_twilio.requests == []


@pytest.mark.parametrize(
    ("status", "twilio_code", "outcome", "word"),
    [
        (400, 21211, Outcome.REJECTED, "not valid"),
        (400, 21214, Outcome.REJECTED, "can't be reached"),
        (400, 21217, Outcome.REJECTED, "not seem to be valid"),
        (400, 21219, Outcome.REJECTED, "trial account"),
        (400, 13224, Outcome.REJECTED, "can't be dialled"),
        (400, 21215, Outcome.REJECTED, "geographic permissions"),
        (400, 99999, Outcome.REJECTED, "error 99999"),
        (400, 21610, Outcome.GONE, "STOP"),
        (400, 21205, Outcome.MISCONFIGURED, "NOTICE_PUBLIC_URL"),
        (400, 21213, Outcome.MISCONFIGURED, "TWILIO_FROM_NUMBER"),
        (401, 20003, Outcome.MISCONFIGURED, "token"),
        (403, 1, Outcome.MISCONFIGURED, "may not do this"),
        (404, 20404, Outcome.MISCONFIGURED, "no such account"),
        (429, 20429, Outcome.RETRY, "too many requests"),
        (400, 10004, Outcome.RETRY, "calls as it may have"),
        (500, 20500, Outcome.UNKNOWN, "it will be asked"),
        (503, 20503, Outcome.UNKNOWN, "it will be asked"),
    ],
)
def test_each_answer_has_its_outcome_and_a_sentence(
    simulated_twilio: SimulatedTwilio, status: int, twilio_code: int, outcome: Outcome, word: str
) -> None:
    simulated_twilio.break_next("create-call", status, code=twilio_code)
    (result,) = send(message())
    assert result.outcome == outcome
    assert word in result.reason


def test_a_refused_connection_is_tried_again(settings: Settings) -> None:
    settings.TWILIO_API_URL = "http://127.0.0.1:9"
    (result,) = send(message())
    assert result.outcome == Outcome.RETRY


# Asking


def ask(*messages: Message) -> list[tuple[Outcome, str]]:
    return [(result.outcome, result.provider_id) for result in VoiceChannel().ask(messages)]


def lose(twilio: SimulatedTwilio, *messages: Message) -> None:
    """Have calls created whose answers are lost."""
    twilio.behave(NUMBER, answers="wait")
    twilio.break_next("create-call", "accept-then-drop", times=len(messages))
    assert {result.outcome for result in send(*messages)} == {Outcome.UNKNOWN}


def test_a_try_that_has_just_begun_is_not_sent_again(simulated_twilio: SimulatedTwilio) -> None:
    assert ask(message()) == [(Outcome.UNKNOWN, "")]


def test_a_try_whose_request_has_ended_may_be_sent_again(simulated_twilio: SimulatedTwilio) -> None:
    assert ask(message(started_at=now() - timedelta(seconds=11))) == [(Outcome.RETRY, "")]


def test_an_older_call_to_the_number_is_another_one(simulated_twilio: SimulatedTwilio) -> None:
    lose(simulated_twilio, message())
    assert ask(message(started_at=now() + timedelta(seconds=40))) == [(Outcome.UNKNOWN, "")]
    assert ask(message(started_at=now() - timedelta(seconds=90))) == [(Outcome.RETRY, "")]


def test_a_try_by_a_clock_that_was_ahead_is_found_and_not_sent_again(
    simulated_twilio: SimulatedTwilio,
) -> None:
    lose(simulated_twilio, message())
    (call,) = simulated_twilio.calls(NUMBER)
    assert ask(message(started_at=now() + timedelta(seconds=20))) == [(Outcome.ACCEPTED, call.sid)]


def test_of_two_calls_each_try_gets_the_one_of_its_own_time(simulated_twilio: SimulatedTwilio) -> None:
    lose(simulated_twilio, message())
    (call,) = simulated_twilio.calls(NUMBER)
    later = message(process_id="q" * 43, started_at=now() + timedelta(seconds=20))
    assert ask(later, message()) == [(Outcome.ACCEPTED, call.sid), (Outcome.UNKNOWN, "")]


def test_one_call_stands_for_one_try_only(simulated_twilio: SimulatedTwilio) -> None:
    first = message(started_at=now() - timedelta(seconds=20))
    second = message(process_id="q" * 43, started_at=now() - timedelta(seconds=19))
    lose(simulated_twilio, first)
    (call,) = simulated_twilio.calls(NUMBER)
    assert ask(second, first) == [(Outcome.ACCEPTED, call.sid), (Outcome.RETRY, "")]


def test_a_call_that_is_known_to_be_of_another_try_is_left_out(simulated_twilio: SimulatedTwilio) -> None:
    lose(simulated_twilio, message())
    (call,) = simulated_twilio.calls(NUMBER)
    late = message(started_at=now() - timedelta(seconds=20))
    assert ask(late._replace(known_ids=frozenset({call.sid}))) == [(Outcome.RETRY, "")]


def test_a_call_on_a_later_page_is_found(simulated_twilio: SimulatedTwilio) -> None:
    lose(simulated_twilio, message())
    (call,) = simulated_twilio.calls(NUMBER)
    others = [sent.provider_id for sent in send(*[message() for _ in range(45)])]
    late = message(started_at=now() - timedelta(seconds=20), known_ids=frozenset(others))
    assert ask(late) == [(Outcome.ACCEPTED, call.sid)]
    assert len([seen for seen in simulated_twilio.requests if seen.operation == "list-calls"]) == 3


@pytest.mark.parametrize("fault", ["garbage", "drop", 500, 401, 429])
def test_an_answer_that_is_none_settles_nothing(simulated_twilio: SimulatedTwilio, fault: str | int) -> None:
    simulated_twilio.break_next("list-calls", fault, times=10)  # a broken line is tried once more
    assert ask(message(started_at=now() - timedelta(seconds=20))) == [(Outcome.UNKNOWN, "")]


def test_a_call_that_twilio_has_forgotten_is_not_made_again(simulated_twilio: SimulatedTwilio) -> None:
    gone = "CA" + "0" * 32
    assert ask(message(provider_id=gone)) == [(Outcome.REJECTED, gone)]


# Taking back


def test_a_call_that_was_answered_is_not_taken_back(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(NUMBER, answers="person", hang_up_after=200)
    verification = message(process_id="", body="Your code is 123456")
    (result,) = send(verification)
    simulated_twilio.wait_for_call(NUMBER, status="in-progress")
    assert list(VoiceChannel().cancel([result.provider_id])) == []


# Codes


def spoken(language: str, body: str) -> str:
    return code.twiml(message(process_id="", language=language, body=body))


def test_a_code_goes_with_the_request(simulated_twilio: SimulatedTwilio) -> None:
    send(message(process_id="", body="Your code for PFS Notice is 407193."))
    request = created(simulated_twilio)
    assert request.get("Url") == request.get("StatusCallback") == ""
    assert request.get("Twiml").count(">4</Say>") == 2


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Your code is"), ("de", "Ihr Code"), ("fr", "Votre code"), ("ja", "コード")]
)
def test_a_code_is_spoken_in_the_members_language(language: str, word: str) -> None:
    assert word in spoken(language, "123456")


def test_a_code_fits_what_twilio_takes() -> None:
    assert max(len(spoken(language, "9" * 10)) for language in VOICES) <= 4000


def test_a_message_without_a_code_is_read_as_it_is() -> None:
    assert "Weekly telecon. Hello &lt;you&gt;" in spoken("en", "Hello <you>")


# Voices and numbers


def test_every_translated_language_has_a_voice() -> None:
    assert {voice_for(language).texts for language in TRANSLATED} == set(TRANSLATED)


@pytest.mark.parametrize(
    ("language", "spoken_language"),
    [
        ("de", "de-DE"),
        ("de-at", "de-AT"),
        ("de-CH", "de-DE"),
        ("fr_CA", "fr-CA"),
        ("en-nz", "en-US"),
        ("pt-br", "en-US"),
        ("", "en-US"),
    ],
)
def test_the_nearest_voice_is_taken(language: str, spoken_language: str) -> None:
    assert voice_for(language).language == spoken_language


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("030 901820", "lacks its country code"),
        ("+49 1", "too short"),
        ("+49 1512 3456789012345", "too long"),
        ("+999 123456", "no country"),
        ("+49 900 1234567", "premium-rate"),
        ("+1 202 123 4567", "no such number"),
        ("+49 30 901820 ext. 5", "extension"),
        ("hello", "not a phone number"),
    ],
)
def test_a_number_is_refused_with_what_is_wrong(typed: str, word: str) -> None:
    with pytest.raises(AddressError) as caught:
        VoiceChannel().check_address(typed, {})
    assert word in caught.value.message


def test_a_number_is_stored_as_e164_and_shown_readably() -> None:
    checked: Sequence[str] = (VoiceChannel().check_address("0049 (30) 901820", {}).address,)
    assert checked == ("+4930901820",)
    assert VoiceChannel().check_address("+4930901820", {}).shown == "+49 30 901820"
