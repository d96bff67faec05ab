"""Whole calls and text messages: the channel, the simulated Twilio, and our pages that it asks for.

The provider is a process of its own and our pages are served by a real web server: what is signed,
fetched, pressed and called back goes over the wire.
"""

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from common.channels import Channel, Message, Outcome
from common.states import State
from eventinvoke.channels.sms.channel import SmsChannel
from eventinvoke.channels.voice.channel import VoiceChannel
from eventinvoke.models import Answer, Attempt, Receipt
from notification.tests.conftest import Notice
from tests.fixtures.processes import wait_until
from tests.simulated_twilio import FROM_NUMBER, SimulatedTwilio

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+4915123456789"


@pytest.fixture
def twilio(simulated_twilio: SimulatedTwilio, live_server: LiveServer, settings: Settings) -> SimulatedTwilio:
    """The simulated Twilio, which reaches our pages."""
    settings.NOTICE_PUBLIC_URL = live_server.url
    return simulated_twilio


def message_of(notice: Notice) -> Message:
    delivery = notice.delivery
    return Message(
        process_id=notice.process_id,
        address=delivery.target.address,
        title=delivery.event.title,
        body="At 15:05, in 5 minutes",
        tag="notice-1",
        expires_at=delivery.deadline_at,
        language=delivery.member.language,
        time_zone=delivery.member.time_zone,
        starts_at=delivery.event.starts_at,
        started_at=notice.attempt.started_at,
    )


def send(channel: Channel, notice: Notice) -> Outcome:
    (result,) = [found for found in channel.send([message_of(notice)]) if found is not None]
    return result.outcome


def wait_for(notice: Notice, state: State) -> None:
    wait_until(lambda: notice.state == state, what=f"the state {state}")


def settled(twilio: SimulatedTwilio, notice: Notice, state: State) -> None:
    """Wait for the end of the call and of its callbacks, and for the state."""
    call = twilio.wait_for_call(NUMBER, until=lambda call: call.is_over)
    wait_for(notice, state)
    wait_until(
        lambda: any(one.parameters.get("CallStatus") == call.status for one in twilio.callbacks),
        what="the call's last callback",
    )


def test_a_person_hears_the_notice_and_confirms_by_a_key(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="person", keys=["1"])
    notice = Notice("voice")
    assert send(VoiceChannel(), notice) == Outcome.ACCEPTED
    settled(twilio, notice, State.ACKNOWLEDGED)
    call = twilio.wait_for_call(NUMBER)
    assert call.problems == ()
    assert call.said[:2] == ("Hello Anna. This is PFS Notice.", "Weekly telecon.")
    assert call.said[-2:] == ("Thank you, it is acknowledged.", "Goodbye.")
    assert Answer.objects.get().kind == Answer.Kind.CONFIRMED


@pytest.mark.parametrize("language", ["de", "fr", "ja"])
def test_it_is_spoken_in_the_members_language(twilio: SimulatedTwilio, language: str) -> None:
    twilio.behave(NUMBER, answers="person", keys=["1"])
    notice = Notice("voice", language=language)
    send(VoiceChannel(), notice)
    settled(twilio, notice, State.ACKNOWLEDGED)
    assert {spoken[:2] for spoken in twilio.wait_for_call(NUMBER).languages} == {language}


def test_the_star_key_reads_it_again(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="person", keys=["*", "1"])
    notice = Notice("voice")
    send(VoiceChannel(), notice)
    settled(twilio, notice, State.ACKNOWLEDGED)
    assert twilio.wait_for_call(NUMBER).said.count("Weekly telecon.") == 2


def test_silence_is_read_to_three_times(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="person", answered_by="unknown")
    notice = Notice("voice")
    send(VoiceChannel(), notice)
    settled(twilio, notice, State.UNDELIVERED)
    call = twilio.wait_for_call(NUMBER)
    assert call.said.count("Weekly telecon.") == 3
    assert call.said[-1] == "Goodbye."
    assert notice.reason == "The call ended without a key being pressed."


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ("machine", "A voicemail answered."),
        ("busy", "The line was busy."),
        ("no-answer", "No answer."),
        ("fail", "The call could not be put through."),
    ],
)
def test_a_call_without_a_person_is_undelivered(twilio: SimulatedTwilio, answers: str, reason: str) -> None:
    twilio.behave(NUMBER, answers=answers)
    notice = Notice("voice")
    send(VoiceChannel(), notice)
    settled(twilio, notice, State.UNDELIVERED)
    assert notice.reason == reason


@pytest.mark.parametrize(
    "callbacks", [{"duplicates": 2}, {"reversed": True}, {"late": 2}, {"lost": ["initiated", "ringing"]}]
)
def test_callbacks_that_repeat_overtake_or_stay_away_do_no_harm(
    twilio: SimulatedTwilio, callbacks: dict[str, object]
) -> None:
    twilio.behave(NUMBER, answers="busy", callbacks=callbacks)
    notice = Notice("voice")
    send(VoiceChannel(), notice)
    settled(twilio, notice, State.UNDELIVERED)
    assert notice.reason == "The line was busy."
    assert Receipt.objects.filter(status="busy").count() == 1


def test_forged_callbacks_change_nothing(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="busy", callbacks={"signed_with": "not our token"})
    notice = Notice("voice")
    send(VoiceChannel(), notice)
    told = twilio.wait_for_callbacks(3)
    assert {callback.status for callback in told} == {403}
    assert notice.state == State.SENDING
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("fault", ["accept-then-drop", "accept-then-garbage"])
def test_a_call_whose_answer_was_lost_is_settled_by_its_callbacks(
    twilio: SimulatedTwilio, fault: str
) -> None:
    twilio.behave(NUMBER, answers="person", keys=["1"])
    twilio.break_next("create-call", fault)
    notice = Notice("voice")
    assert send(VoiceChannel(), notice) == Outcome.UNKNOWN
    settled(twilio, notice, State.ACKNOWLEDGED)
    assert len(twilio.calls(NUMBER)) == 1


def test_a_text_message_arrives_with_the_link_to_confirm(twilio: SimulatedTwilio) -> None:
    notice = Notice("sms")
    assert send(SmsChannel(), notice) == Outcome.ACCEPTED
    wait_for(notice, State.DELIVERED)
    (message,) = twilio.messages(NUMBER)
    assert message.body.startswith("Weekly telecon\nAt 15:05, in 5 minutes\nAcknowledge: http://")
    link, reply = message.body.splitlines()[2:]
    assert link.endswith(f"/a/{notice.answer_id}")
    assert reply == "Or reply Y, N, LATER or STOP."


def test_a_text_is_answered_by_a_text(twilio: SimulatedTwilio, live_server: LiveServer) -> None:
    twilio.set_up_number(FROM_NUMBER, f"{live_server.url}/n/texts")
    notice = Notice("sms")
    (sent,) = [one for one in SmsChannel().send([message_of(notice)]) if one is not None]
    Attempt.objects.filter(pk=notice.attempt.pk).update(outcome=sent.outcome, provider_id=sent.provider_id)
    wait_for(notice, State.DELIVERED)
    twilio.write(NUMBER, "Yes")
    assert notice.state == State.ACKNOWLEDGED
    assert [one.problem for one in twilio.callbacks if one.url.endswith("/n/texts")] == [""]
    assert twilio.messages(NUMBER)[-1].body == "Weekly telecon: Acknowledged. Thank you."


def test_stop_ends_the_texts_here_as_it_does_at_twilio(
    twilio: SimulatedTwilio, live_server: LiveServer
) -> None:
    twilio.set_up_number(FROM_NUMBER, f"{live_server.url}/n/texts")
    notice = Notice("sms")
    twilio.write(NUMBER, "Stop")
    assert send(SmsChannel(), notice) == Outcome.GONE
    notice.delivery.target.refresh_from_db()
    assert not notice.delivery.target.is_usable
    twilio.write(NUMBER, "Start")
    assert send(SmsChannel(), notice) == Outcome.ACCEPTED
    notice.delivery.target.refresh_from_db()
    assert notice.delivery.target.is_usable


def test_a_text_message_that_fails_says_why(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, message="undelivered", message_error=30003)
    notice = Notice("sms")
    send(SmsChannel(), notice)
    wait_for(notice, State.UNDELIVERED)
    assert notice.reason == "The phone is switched off or out of reach."


def test_what_became_of_a_call_can_be_asked_for_when_no_callback_came(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="busy", callbacks={"lost": "all"})
    channel, message = VoiceChannel(), message_of(Notice("voice"))
    (sent,) = [found for found in channel.send([message]) if found is not None]
    twilio.wait_for_call(NUMBER, status="busy")
    for asked in (message, message._replace(provider_id=sent.provider_id)):
        (found,) = channel.ask([asked])
        assert (found.outcome, found.reason) == (Outcome.UNDELIVERED, "The line was busy.")
        assert (found.provider_id, found.may_redial) == (sent.provider_id, True)


def test_a_code_is_spoken_digit_by_digit_twice(twilio: SimulatedTwilio) -> None:
    twilio.behave(NUMBER, answers="person")
    code = message_of(Notice("voice", language="de"))._replace(process_id="", body="Your code is 407193.")
    assert [found.outcome for found in VoiceChannel().send([code]) if found] == [Outcome.ACCEPTED]
    call = twilio.wait_for_call(NUMBER, until=lambda call: call.is_over)
    assert "".join(word for word in call.said if word.isdigit()) == "407193" * 2
    assert call.said[0].startswith("Guten Tag.")
    assert call.problems == ()
