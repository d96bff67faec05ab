"""What Twilio reports later."""

import pytest

from common.clock import now
from common.process_ids import sign
from common.states import State
from eventinvoke.models import Attempt, Delivery, Receipt
from eventinvoke.models.attempts import new_attempt_id
from notification.tests.conftest import CALL, SMS, Ask, Notice
from registration.models import Target


def tell(ask: Ask, call: Notice, status: str, number: int, **more: str) -> int:
    """Tell of a call as Twilio does."""
    parameters = {
        "CallStatus": status,
        "SequenceNumber": str(number),
        "CallbackSource": "call-progress-events",
    }
    return ask("call-status", call, **(parameters | more)).status_code


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress"])
def test_progress_says_that_the_call_was_taken(ask: Ask, call: Notice, status: str) -> None:
    assert tell(ask, call, status, 0) == 204
    assert call.state == State.SENT
    assert Attempt.objects.get().provider_id == CALL


def test_a_call_under_way_keeps_a_lease_so_that_a_worker_asks_if_its_end_is_never_told(
    ask: Ask, call: Notice
) -> None:
    tell(ask, call, "ringing", 1)
    call.delivery.refresh_from_db()
    assert call.delivery.lease_until is not None
    assert call.delivery.lease_until > now()


def test_progress_of_an_earlier_try_says_nothing_of_the_latest(ask: Ask, call: Notice) -> None:
    Delivery.objects.filter(pk=call.delivery.pk).update(attempts=2)
    tell(ask, call, "ringing", 1)
    assert call.state == State.SENDING


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("completed", "The call ended without a key being pressed."),
        ("busy", "The line was busy."),
        ("no-answer", "No answer."),
        ("failed", "The call could not be put through."),
        ("canceled", "The call was taken back before anybody answered."),
    ],
)
def test_an_end_without_a_person_is_undelivered(ask: Ask, call: Notice, status: str, reason: str) -> None:
    tell(ask, call, status, 3)
    assert (call.state, call.reason) == (State.UNDELIVERED, reason)


@pytest.mark.parametrize(
    "machine", ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"]
)
def test_a_voicemail_is_undelivered(ask: Ask, call: Notice, machine: str) -> None:
    ask("call-status", call, AnsweredBy=machine, MachineDetectionDuration="4000")
    assert (call.state, call.reason) == (State.UNDELIVERED, "A voicemail answered.")


def test_a_person_was_reached(ask: Ask, call: Notice) -> None:
    ask("call-status", call, AnsweredBy="human")
    tell(ask, call, "completed", 3)
    assert call.state == State.DELIVERED


def test_a_key_counts_though_the_call_then_ends(ask: Ask, call: Notice) -> None:
    ask("call-key", call, Digits="*")
    tell(ask, call, "completed", 3)
    assert call.state == State.DELIVERED


def test_a_key_counts_though_a_machine_was_suspected(ask: Ask, call: Notice) -> None:
    ask("call-status", call, AnsweredBy="machine_start")
    ask("call-key", call, Digits="1")
    assert call.state == State.ACKNOWLEDGED


def test_not_knowing_who_answered_says_nothing(ask: Ask, call: Notice) -> None:
    assert ask("call-status", call, AnsweredBy="unknown").status_code == 204
    assert call.state == State.SENDING
    tell(ask, call, "completed", 3, AnsweredBy="unknown")
    assert call.state == State.UNDELIVERED


def test_callbacks_in_the_wrong_order_end_as_in_the_right_one(ask: Ask, call: Notice) -> None:
    for number, status in reversed(list(enumerate(["initiated", "ringing", "in-progress", "busy"]))):
        assert tell(ask, call, status, number) == 204
    assert (call.state, call.reason) == (State.UNDELIVERED, "The line was busy.")
    assert set(Receipt.objects.values_list("sequence", flat=True)) == {0, 1, 2, 3}


def test_a_repeated_callback_is_answered_alike_and_stored_once(ask: Ask, call: Notice) -> None:
    assert [tell(ask, call, "busy", 2) for _ in range(3)] == [204] * 3
    assert Receipt.objects.count() == 1


def test_a_busy_line_brings_the_next_step_forward(ask: Ask, call: Notice) -> None:
    other = type(call)("voice").delivery
    following = Delivery.objects.create(
        event=call.delivery.event,
        member=other.member,
        target=other.target,
        registration=call.delivery.registration,
        kind="voice",
        severity=10,
        starts_at=call.delivery.starts_at,
        due_at=now().replace(year=2099),
        next_attempt_at=now().replace(year=2099),
        deadline_at=now().replace(year=2100),
    )
    tell(ask, call, "busy", 2)
    following.refresh_from_db()
    assert following.next_attempt_at <= now()


def test_a_word_that_twilio_may_invent_is_kept_and_changes_nothing(ask: Ask, call: Notice) -> None:
    assert tell(ask, call, "teleported", 0) == 204
    assert call.state == State.SENDING
    assert Receipt.objects.get().status == "teleported"


def test_what_came_is_kept_without_secrets_and_bounded(ask: Ask, call: Notice) -> None:
    more = {f"Extra{n}": "x" for n in range(100)}
    tell(ask, call, "ringing", 1, CallToken="secret", Caller="+1\0" + "9" * 1000, **more)
    payload = Receipt.objects.get().payload
    assert "CallToken" not in payload
    assert payload["CallStatus"] == "ringing"
    assert len(payload) <= 60
    assert max(map(len, payload.values())) <= 500


@pytest.mark.parametrize("page", ["call-status", "call-key", "call-content"])
def test_a_null_character_is_left_out(ask: Ask, call: Notice, page: str) -> None:
    told = {"CallStatus": "ring\0ing", "CallSid": CALL[:5] + "\0" + CALL[5:], "Digits": "5\0"}
    assert ask(page, call, **told).status_code in {200, 204}
    assert Attempt.objects.get().provider_id == CALL


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 40])
def test_a_sequence_that_is_no_number_is_left_out(ask: Ask, call: Notice, number: str) -> None:
    parameters = {"CallStatus": "busy", "SequenceNumber": number, "CallbackSource": "call-progress-events"}
    assert ask("call-status", call, **parameters).status_code == 204
    assert call.state == State.UNDELIVERED


@pytest.mark.parametrize("page", ["call-status", "message-status"])
def test_a_callback_that_says_nothing_is_a_bad_request(ask: Ask, call: Notice, page: str) -> None:
    assert ask(page, call).status_code == 400


@pytest.mark.parametrize("page", ["call-status", "message-status"])
def test_a_callback_for_an_unknown_id_is_not_found_and_stores_nothing(
    ask: Ask, account: None, db: None, page: str
) -> None:
    for process_id in ("unknown", sign(new_attempt_id())):
        assert ask(page, process_id, CallStatus="busy", MessageStatus="sent").status_code == 404
    assert not Receipt.objects.exists()


# Text messages


def tell_message(ask: Ask, sms: Notice, status: str, **more: str) -> int:
    parameters = {"MessageSid": SMS, "SmsSid": SMS, "MessageStatus": status, "SmsStatus": status}
    return ask("message-status", sms, **(parameters | more)).status_code


def test_a_message_that_was_sent_is_under_way(ask: Ask, sms: Notice) -> None:
    assert tell_message(ask, sms, "sent") == 204
    assert sms.state == State.SENT
    assert Attempt.objects.get().provider_id == SMS


def test_a_message_that_arrived_was_delivered(ask: Ask, sms: Notice) -> None:
    tell_message(ask, sms, "delivered")
    tell_message(ask, sms, "sent")
    assert sms.state == State.DELIVERED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("30003", "The phone is switched off or out of reach."),
        ("30005", "The phone number does not exist any more."),
        ("30007", "The carrier took the text message for spam."),
        ("39999", "The text message did not arrive. (Twilio's error 39999)"),
        ("", "The text message did not arrive."),
        ("x", "The text message did not arrive."),
    ],
)
def test_a_message_that_did_not_arrive_says_why(ask: Ask, sms: Notice, code: str, reason: str) -> None:
    tell_message(ask, sms, "undelivered", ErrorCode=code)
    assert (sms.state, sms.reason) == (State.UNDELIVERED, reason)
    assert Target.objects.get().disabled_at is None


def test_a_member_who_answered_stop_is_not_written_to_again(ask: Ask, sms: Notice) -> None:
    tell_message(ask, sms, "failed", ErrorCode="21610")
    target = Target.objects.get(kind="sms")
    assert target.disabled_at is not None
    assert "STOP" in target.disabled_reason


def test_a_member_who_answered_stop_is_told_in_the_inbox_once(ask: Ask, sms: Notice) -> None:
    for _time in range(2):
        tell_message(ask, sms, "failed", ErrorCode="21610")
    (told,) = Delivery.objects.filter(kind="inbox").select_related("event")
    assert told.member == sms.delivery.member
    assert "STOP" in told.event.description
