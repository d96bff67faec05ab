"""What the sms channel writes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings

from common.channels import Message, Outcome
from common.clock import now
from common.process_ids import Purpose, signed_for
from eventinvoke.channels.sms.channel import SmsChannel
from eventinvoke.channels.sms.text import compose, segments
from tests.simulated_twilio import SimulatedTwilio

NUMBER = "+4915123456789"
LINK = f"https://notice.example.org/a/{signed_for(Purpose.ANSWER, 'p' * 43)}"


def message(**changes: object) -> Message:
    made = Message(
        process_id="p" * 43,
        address=NUMBER,
        title="Weekly telecon",
        body="At 15:05, in 5 minutes\nRoom 5",
        tag="notice-1",
        expires_at=now() + timedelta(minutes=10),
        started_at=now(),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="module")
def public_address() -> Iterator[None]:
    with override_settings(NOTICE_PUBLIC_URL="https://notice.example.org"):
        yield


def test_a_text_has_the_title_the_body_and_the_link() -> None:
    assert compose(message()) == f"Weekly telecon\nAt 15:05, in 5 minutes\nRoom 5\nAcknowledge: {LINK}"
    assert segments(compose(message())) == 1


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Bestätigen: "), ("fr", "Confirmer : "), ("ja", "確認: ")]
)
def test_the_link_is_introduced_in_the_members_language(language: str, word: str) -> None:
    assert word + LINK in compose(message(language=language))


def test_a_message_asks_for_callbacks_and_for_an_end(simulated_twilio: SimulatedTwilio) -> None:
    list(SmsChannel().send([message()]))
    (request,) = [seen for seen in simulated_twilio.requests if seen.operation == "create-message"]
    assert request.get("StatusCallback") == f"https://notice.example.org/n/{'p' * 43}/message-status"
    assert 590 <= int(request.get("ValidityPeriod")) <= 600


def test_a_code_is_sent_without_a_link(simulated_twilio: SimulatedTwilio) -> None:
    list(SmsChannel().send([message(process_id="", title="PFS Notice", body="Your code is 407193.")]))
    assert simulated_twilio.wait_for_message(NUMBER).body == "PFS Notice\nYour code is 407193."


def test_an_empty_message_is_not_sent(simulated_twilio: SimulatedTwilio) -> None:
    (result,) = [found for found in SmsChannel().send([message(process_id="", title="", body="")]) if found]
    assert result.outcome == Outcome.REJECTED
    assert simulated_twilio.requests == []


def test_two_messages_at_once_to_one_number_are_told_apart(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(NUMBER, message="sent")
    first = message(started_at=now() - timedelta(seconds=20))
    second = message(process_id="q" * 43, started_at=now() - timedelta(seconds=20))
    simulated_twilio.break_next("create-message", "accept-then-drop")
    list(SmsChannel().send([second]))
    found = {result.message.process_id: result for result in SmsChannel().ask([first, second])}
    assert found["p" * 43].outcome == Outcome.RETRY
    assert found["q" * 43].outcome == Outcome.ACCEPTED
    assert found["q" * 43].provider_id == simulated_twilio.messages(NUMBER)[0].sid


def test_a_code_whose_answer_was_lost_is_found_by_its_text(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(NUMBER, message="sent")
    code = message(process_id="", title="PFS Notice", body="Your code is 407193.")
    simulated_twilio.break_next("create-message", "accept-then-garbage")
    list(SmsChannel().send([code]))
    (found,) = SmsChannel().ask([code])
    assert found.outcome == Outcome.ACCEPTED
