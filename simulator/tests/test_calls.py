import re
import time
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from twilio.request_validator import RequestValidator

from simulator.tests.rest import EVENTS, FROM, SAY_HELLO, TO, ask, call, statuses
from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite


def test_a_new_call_is_queued_and_has_a_sid_and_rfc_2822_dates(simulated_twilio: SimulatedTwilio) -> None:
    created = call(simulated_twilio)
    assert created["status"] == "queued"
    assert re.fullmatch(r"CA[0-9a-f]{32}", created["sid"])
    assert parsedate_to_datetime(created["date_created"]).utcoffset() is not None
    assert created["start_time"] is None
    assert (
        created["uri"] == f"/2010-04-01/Accounts/{simulated_twilio.account_sid}/Calls/{created['sid']}.json"
    )


def test_a_call_without_an_answer_rings_until_the_time_out(simulated_twilio: SimulatedTwilio) -> None:
    started = time.monotonic()
    call(simulated_twilio, Timeout="20")
    assert simulated_twilio.wait_for_call(TO, status="no-answer").said == ()
    assert time.monotonic() - started >= 20 * 0.02


def test_a_person_who_answers_hears_the_words(simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio)
    simulated_twilio.answer(TO)
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("Hello.",)


def test_a_person_who_declines_is_busy(simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio)
    simulated_twilio.decline(TO)
    simulated_twilio.wait_for_call(TO, status="busy")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ("person", "completed"),
        ("machine", "completed"),
        ("busy", "busy"),
        ("no-answer", "no-answer"),
        ("fail", "failed"),
    ],
)
def test_a_number_behaves_as_it_was_told(
    simulated_twilio: SimulatedTwilio, answers: str, status: str
) -> None:
    simulated_twilio.behave(TO, answers=answers)
    created = call(simulated_twilio, Timeout="10")
    simulated_twilio.wait_for_call(TO, status=status)
    ended = ask(simulated_twilio, "GET", f"Calls/{created['sid']}.json").body
    assert ended["status"] == status
    assert ended["end_time"] is not None


def test_only_the_end_is_told_unless_more_is_asked_for(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, answers="person")
    call(simulated_twilio, StatusCallback=webhook_site.url("/status"))
    simulated_twilio.wait_for_callbacks(1)
    assert statuses(webhook_site) == ["completed"]
    assert webhook_site.at("/status")[0].parameters["SequenceNumber"] == "0"


def test_every_event_is_told_in_order_with_its_number(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, answers="person")
    created = call(simulated_twilio, StatusCallback=webhook_site.url("/status"), StatusCallbackEvent=EVENTS)
    told = webhook_site.wait_for("/status", 4)
    assert statuses(webhook_site) == ["initiated", "ringing", "in-progress", "completed"]
    assert [arrival.parameters["SequenceNumber"] for arrival in told] == ["0", "1", "2", "3"]
    last = told[-1].parameters
    assert last["CallSid"] == created["sid"]
    assert last["CallbackSource"] == "call-progress-events"
    assert int(last["CallDuration"]) >= 1
    assert (last["To"], last["From"], last["Direction"]) == (TO, FROM, "outbound-api")
    parsedate_to_datetime(last["Timestamp"])


def test_callbacks_are_signed_so_that_twilios_validator_takes_them(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, answers="busy")
    call(simulated_twilio, StatusCallback=webhook_site.url("/status?about=a%20pump&x=%C3%A4"))
    arrival = webhook_site.wait_for("/status")[0]
    validator = RequestValidator(simulated_twilio.auth_token)
    assert validator.validate(arrival.url, arrival.form, arrival.headers["x-twilio-signature"])
    assert len(arrival.headers["i-twilio-idempotency-token"]) == 36


def test_callbacks_by_get_carry_and_sign_the_query(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, answers="busy")
    call(simulated_twilio, StatusCallback=webhook_site.url("/status"), StatusCallbackMethod="GET")
    arrival = webhook_site.wait_for("/status")[0]
    assert (arrival.method, arrival.parameters["CallStatus"]) == ("GET", "busy")
    validator = RequestValidator(simulated_twilio.auth_token)
    assert validator.validate(arrival.url, {}, arrival.headers["x-twilio-signature"])


def test_events_in_one_parameter_are_taken_and_then_nothing_is_told(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    simulated_twilio.behave(TO, answers="busy")
    call(
        simulated_twilio, StatusCallback=webhook_site.url("/status"), StatusCallbackEvent="ringing completed"
    )
    simulated_twilio.wait_for_call(TO, status="busy")
    call(simulated_twilio, StatusCallback=webhook_site.url("/status"))
    simulated_twilio.wait_for_callbacks(1)
    assert len(webhook_site.at("/status")) == 1


def test_calls_are_begun_one_a_second(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(answers="busy")
    for last in range(6):
        call(simulated_twilio, To=f"+491511234560{last}")
    first_starts = time.monotonic()
    simulated_twilio.wait_for_call("+4915112345605", status="busy")
    assert time.monotonic() - first_starts >= 5 * 0.02 * 0.9


def test_a_queued_call_can_be_canceled_and_never_rings(
    simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
) -> None:
    for last in range(8):
        call(simulated_twilio, To=f"+491511234560{last}", Timeout="1")
    queued = call(simulated_twilio, StatusCallback=webhook_site.url("/status"), StatusCallbackEvent=EVENTS)
    reply = ask(simulated_twilio, "POST", f"Calls/{queued['sid']}.json", {"Status": "canceled"})
    assert (reply.status, reply.body["status"]) == (200, "canceled")
    webhook_site.wait_for("/status")
    simulated_twilio.wait_for_call("+4915112345607", status="no-answer")
    assert statuses(webhook_site) == ["canceled"]


def test_a_ringing_call_can_be_canceled(simulated_twilio: SimulatedTwilio) -> None:
    created = call(simulated_twilio, Timeout="600")
    simulated_twilio.wait_for_call(TO, status="ringing")
    reply = ask(simulated_twilio, "POST", f"Calls/{created['sid']}.json", {"Status": "canceled"})
    assert reply.body["status"] == "canceled"


def test_canceling_a_call_in_progress_leaves_it_as_it_is(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person")
    created = call(simulated_twilio, Twiml='<Response><Pause length="600"/></Response>')
    simulated_twilio.wait_for_call(TO, status="in-progress")
    reply = ask(simulated_twilio, "POST", f"Calls/{created['sid']}.json", {"Status": "canceled"})
    assert (reply.status, reply.body["status"]) == (200, "in-progress")


def test_a_call_in_progress_can_be_completed(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person")
    created = call(simulated_twilio, Twiml='<Response><Pause length="600"/></Response>')
    simulated_twilio.wait_for_call(TO, status="in-progress")
    reply = ask(simulated_twilio, "POST", f"Calls/{created['sid']}.json", {"Status": "completed"})
    assert (reply.status, reply.body["status"]) == (200, "completed")


def test_a_call_in_progress_can_be_given_other_words(simulated_twilio: SimulatedTwilio) -> None:
    simulated_twilio.behave(TO, answers="person")
    created = call(simulated_twilio, Twiml='<Response><Say>One.</Say><Pause length="600"/></Response>')
    simulated_twilio.wait_for_call(TO, until=lambda seen: seen.said == ("One.",))
    other = "<Response><Say>Two.</Say></Response>"
    assert ask(simulated_twilio, "POST", f"Calls/{created['sid']}.json", {"Twiml": other}).status == 200
    assert simulated_twilio.wait_for_call(TO, status="completed").said == ("One.", "Two.")


@pytest.mark.parametrize("change", [{"Status": "canceled"}, {"Status": "completed"}, {"Twiml": SAY_HELLO}])
def test_a_call_that_is_over_can_not_be_changed(
    simulated_twilio: SimulatedTwilio, change: dict[str, str | list[str]]
) -> None:
    simulated_twilio.behave(TO, answers="busy")
    created = call(simulated_twilio)
    simulated_twilio.wait_for_call(TO, status="busy")
    reply = ask(simulated_twilio, "POST", f"Calls/{created['sid']}.json", change)
    assert (reply.status, reply.body["code"]) == (400, 21220)


def test_a_person_can_hang_up(simulated_twilio: SimulatedTwilio) -> None:
    call(simulated_twilio, Twiml='<Response><Pause length="600"/></Response>')
    simulated_twilio.answer(TO)
    simulated_twilio.hang_up(TO)
    simulated_twilio.wait_for_call(TO, status="completed")


@pytest.mark.parametrize(("parameters", "behaviour"), [({"TimeLimit": "5"}, {}), ({}, {"hang_up_after": 5})])
def test_a_call_ends_at_its_limit_or_when_the_person_has_enough(
    simulated_twilio: SimulatedTwilio, parameters: dict[str, str], behaviour: dict[str, float]
) -> None:
    simulated_twilio.behave(TO, answers="person", **behaviour)
    call(simulated_twilio, Twiml='<Response><Pause length="6000"/></Response>', **parameters)
    assert simulated_twilio.wait_for_call(TO, status="completed").duration in range(5, 20)


def test_what_a_phone_shows_has_a_revision_that_only_grows(simulated_twilio: SimulatedTwilio) -> None:
    revisions = [simulated_twilio.control("GET", f"phones/{TO}")["revision"]]
    call(simulated_twilio)
    revisions.append(simulated_twilio.control("GET", f"phones/{TO}")["revision"])
    simulated_twilio.answer(TO)
    simulated_twilio.wait_for_call(TO, status="completed")
    revisions.append(simulated_twilio.control("GET", f"phones/{TO}")["revision"])
    assert all(earlier < later for earlier, later in pairwise(revisions))


class TestMachines:
    def test_synchronous_detection_tells_with_the_request_for_twiml(
        self, simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
    ) -> None:
        webhook_site.answer("/twiml", SAY_HELLO)
        simulated_twilio.behave(TO, answers="machine")
        call(simulated_twilio, Url=webhook_site.url("/twiml"), MachineDetection="DetectMessageEnd")
        assert webhook_site.wait_for("/twiml")[0].parameters["AnsweredBy"] == "machine_end_beep"

    def test_asynchronous_detection_tells_beside_the_call(
        self, simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
    ) -> None:
        webhook_site.answer("/twiml", '<Response><Pause length="30"/></Response>')
        simulated_twilio.behave(TO, answers="machine")
        created = call(
            simulated_twilio,
            Url=webhook_site.url("/twiml"),
            MachineDetection="Enable",
            AsyncAmd="true",
            AsyncAmdStatusCallback=webhook_site.url("/amd"),
            StatusCallback=webhook_site.url("/status"),
        )
        told = webhook_site.wait_for("/amd")[0].parameters
        assert (told["CallSid"], told["AnsweredBy"]) == (created["sid"], "machine_start")
        assert "AnsweredBy" not in webhook_site.at("/twiml")[0].parameters
        assert webhook_site.wait_for("/status")[0].parameters["AnsweredBy"] == "machine_start"

    @pytest.mark.parametrize(("faults", "told"), [({"lost": "amd"}, 0), ({"duplicates": 1}, 2)])
    def test_what_detection_found_can_be_lost_or_told_twice(
        self,
        simulated_twilio: SimulatedTwilio,
        webhook_site: WebhookSite,
        faults: dict[str, object],
        told: int,
    ) -> None:
        simulated_twilio.behave(TO, answers="machine", callbacks=faults)
        call(
            simulated_twilio,
            Twiml='<Response><Pause length="30"/></Response>',
            MachineDetection="Enable",
            AsyncAmd="true",
            AsyncAmdStatusCallback=webhook_site.url("/amd"),
        )
        simulated_twilio.wait_for_call(TO, status="completed")
        assert len(webhook_site.at("/amd")) == told

    def test_without_detection_it_is_unknown_who_answered(
        self, simulated_twilio: SimulatedTwilio, webhook_site: WebhookSite
    ) -> None:
        simulated_twilio.behave(TO, answers="machine")
        call(simulated_twilio, StatusCallback=webhook_site.url("/status"))
        assert "AnsweredBy" not in webhook_site.wait_for("/status")[0].parameters
