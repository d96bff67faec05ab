import http.client
import json
import urllib.error
from datetime import UTC, datetime, timedelta

import pytest

from simulator.tests.rest import FROM, SAY_HELLO, TO, Reply, ask, call
from tests.provider_process import ProviderProcess
from tests.simulated_twilio import SimulatedTwilio

CREATE: dict[str, str | list[str]] = {"To": TO, "From": FROM, "Twiml": SAY_HELLO}


def create(provider: SimulatedTwilio, **parameters: str) -> Reply:
    return ask(provider, "POST", "Calls.json", {**CREATE, **parameters})


def test_a_wrong_token_is_refused(simulated_twilio: SimulatedTwilio) -> None:
    reply = ask(simulated_twilio, "POST", "Calls.json", CREATE, token="wrong")
    assert (reply.status, reply.body["code"]) == (401, 20003)
    assert simulated_twilio.calls() == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"To": ""}, 21201),
        ({"From": ""}, 21213),
        ({"To": "+0049151"}, 21211),
        ({"To": "anna"}, 21211),
        ({"From": "anna"}, 21212),
        ({"Twiml": ""}, 21205),
        ({"Url": "http://localhost/"}, 21205),
        ({"Twiml": "", "Url": "localhost"}, 21205),
        ({"StatusCallback": "ftp://localhost/"}, 21609),
        ({"Timeout": "soon"}, 21216),
        ({"MachineDetection": "Please"}, 21234),
    ],
)
def test_what_can_not_be_called_is_refused_with_twilios_code(
    simulated_twilio: SimulatedTwilio, parameters: dict[str, str], code: int
) -> None:
    reply = create(simulated_twilio, **parameters)
    assert (reply.status, reply.body["status"], reply.body["code"]) == (400, 400, code)
    assert set(reply.body) == {"code", "message", "more_info", "status"}
    assert simulated_twilio.calls() == []


def test_an_unknown_call_is_not_found(simulated_twilio: SimulatedTwilio) -> None:
    reply = ask(simulated_twilio, "GET", f"Calls/CA{'0' * 32}.json")
    assert (reply.status, reply.body["code"]) == (404, 20404)


def test_an_unknown_resource_is_not_found_in_json(simulated_twilio: SimulatedTwilio) -> None:
    reply = ask(simulated_twilio, "GET", "Conferences.json")
    assert (reply.status, reply.body["code"]) == (404, 20404)


class TestLists:
    def test_calls_are_found_by_number_and_status(self, simulated_twilio: SimulatedTwilio) -> None:
        simulated_twilio.behave(answers="busy")
        wanted = call(simulated_twilio)
        call(simulated_twilio, To="+4915112345699")
        simulated_twilio.wait_for_call(TO, status="busy")
        found = ask(simulated_twilio, "GET", "Calls.json", {"To": TO, "Status": "busy"}).body["calls"]
        assert [one["sid"] for one in found] == [wanted["sid"]]
        assert ask(simulated_twilio, "GET", "Calls.json", {"To": TO, "Status": "queued"}).body["calls"] == []

    def test_calls_are_found_by_the_time_they_started(self, simulated_twilio: SimulatedTwilio) -> None:
        simulated_twilio.behave(answers="busy")
        call(simulated_twilio)
        simulated_twilio.wait_for_call(TO, status="busy")

        def count(**bounds: str) -> int:
            parameters: dict[str, str | list[str]] = {
                f"StartTime{sign}": value for sign, value in bounds.items()
            }
            return len(ask(simulated_twilio, "GET", "Calls.json", parameters).body["calls"])

        now = datetime.now(UTC)
        hour = timedelta(hours=1)
        assert count(**{">": (now - hour).isoformat(timespec="seconds")}) == 1
        assert count(**{">": (now + hour).strftime("%Y-%m-%dT%H:%M:%SZ")}) == 0
        assert count(**{"<": (now - hour).isoformat(timespec="seconds")}) == 0
        assert count(**{">": f"{now - 24 * hour:%Y-%m-%d}", "<": f"{now + 24 * hour:%Y-%m-%d}"}) == 1

    def test_a_list_has_pages_that_new_calls_do_not_shift(self, simulated_twilio: SimulatedTwilio) -> None:
        sids = [call(simulated_twilio, To=f"+491511234560{last}")["sid"] for last in range(5)]
        first = ask(simulated_twilio, "GET", "Calls.json", {"PageSize": "2", "From": FROM}).body
        call(simulated_twilio)
        seen = [one["sid"] for one in first["calls"]]
        following = first["next_page_uri"]
        while following:
            page = ask(simulated_twilio, "GET", following.rsplit("/", 1)[-1]).body
            seen += [one["sid"] for one in page["calls"]]
            following = page["next_page_uri"]
        assert seen == sids[::-1]


class TestFaults:
    def test_too_many_requests_say_when_to_come_back(self, simulated_twilio: SimulatedTwilio) -> None:
        simulated_twilio.break_next("create-call", 429, retry_after=7)
        reply = create(simulated_twilio)
        assert (reply.status, reply.body["code"], reply.headers["Retry-After"]) == (429, 20429, "7")
        assert create(simulated_twilio).status == 201

    @pytest.mark.parametrize("status", [500, 503])
    def test_an_error_of_the_server_takes_nothing(
        self, simulated_twilio: SimulatedTwilio, status: int
    ) -> None:
        simulated_twilio.break_next("create-call", status)
        assert create(simulated_twilio).status == status
        assert simulated_twilio.calls() == []

    @pytest.mark.parametrize(("fault", "calls"), [("never", 0), ("accept-then-never", 1)])
    def test_an_answer_may_never_come(
        self, simulated_twilio: SimulatedTwilio, fault: str, calls: int
    ) -> None:
        simulated_twilio.break_next("create-call", fault)
        with pytest.raises(TimeoutError):
            ask(simulated_twilio, "POST", "Calls.json", CREATE, timeout=0.3)
        assert len(simulated_twilio.calls()) == calls
        assert simulated_twilio.requests[-1].status is None

    @pytest.mark.parametrize(("fault", "calls"), [("drop", 0), ("accept-then-drop", 1)])
    def test_the_connection_may_break(
        self, simulated_twilio: SimulatedTwilio, fault: str, calls: int
    ) -> None:
        simulated_twilio.break_next("create-call", fault)
        with pytest.raises((urllib.error.URLError, ConnectionError, http.client.HTTPException)):
            create(simulated_twilio)
        assert len(simulated_twilio.calls()) == calls

    @pytest.mark.parametrize(("fault", "calls"), [("garbage", 0), ("accept-then-garbage", 1)])
    def test_the_answer_may_be_garbage(
        self, simulated_twilio: SimulatedTwilio, fault: str, calls: int
    ) -> None:
        simulated_twilio.break_next("create-call", fault)
        with pytest.raises(json.JSONDecodeError):
            create(simulated_twilio)
        assert len(simulated_twilio.calls()) == calls

    def test_a_fault_waits_for_the_operation_and_number_it_is_for(
        self, simulated_twilio: SimulatedTwilio
    ) -> None:
        simulated_twilio.break_next("create-call", 500, number="+4915112345699")
        simulated_twilio.break_next("create-message", 500)
        assert create(simulated_twilio).status == 201
        assert create(simulated_twilio, To="+4915112345699").status == 500

    def test_a_number_may_break_every_request(self, simulated_twilio: SimulatedTwilio) -> None:
        simulated_twilio.behave(TO, fault={"kind": "error", "status": 503})
        assert [create(simulated_twilio).status for _ in range(3)] == [503, 503, 503]


class TestControl:
    def test_it_needs_the_token(self, simulated_twilio: SimulatedTwilio) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            simulated_twilio.fetch("GET", "/simulator/calls", {"Authorization": "Bearer wrong"})
        with caught.value:
            assert caught.value.code == 401

    @pytest.mark.parametrize(
        "behaviour",
        [
            {"answers": "maybe"},
            {"keys": "1"},
            {"keys": ["x"]},
            {"answer_after": -1},
            {"typo": 1},
            {"callbacks": {"order": "none"}},
            {"fault": {"kind": "explosion"}},
            {"fault": {"kind": "error", "status": 200}},
        ],
    )
    def test_a_behaviour_that_makes_no_sense_is_refused(
        self, simulated_twilio: SimulatedTwilio, behaviour: dict[str, object]
    ) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            simulated_twilio.behave(TO, **behaviour)
        with caught.value:
            assert caught.value.code == 400

    def test_a_phone_that_did_not_change_is_not_sent_again(self, simulated_twilio: SimulatedTwilio) -> None:
        call(simulated_twilio, Timeout="600")
        simulated_twilio.wait_for_call(TO, status="ringing")
        revision = simulated_twilio.control("GET", f"phones/{TO}")["revision"]
        headers = {
            "Authorization": f"Bearer {simulated_twilio.auth_token}",
            "If-None-Match": f'"{revision}"',
        }
        with pytest.raises(urllib.error.HTTPError) as caught:
            simulated_twilio.fetch("GET", f"/simulator/phones/{TO}", headers)
        with caught.value:
            assert caught.value.code == 304

    def test_who_waits_for_a_phone_sees_the_change_at_once(self, simulated_twilio: SimulatedTwilio) -> None:
        call(simulated_twilio)
        revision = simulated_twilio.control("GET", f"phones/{TO}")["revision"]
        headers = {
            "Authorization": f"Bearer {simulated_twilio.auth_token}",
            "If-None-Match": f'"{revision}"',
        }
        shown = simulated_twilio.fetch("GET", f"/simulator/phones/{TO}?wait=20", headers)
        assert shown["revision"] > revision


class TestProcess:
    def test_it_ends_cleanly_in_the_middle_of_a_call(self) -> None:
        process = ProviderProcess(SIMULATOR_TIME_SCALE="1")
        provider = SimulatedTwilio(process.url, process.account_sid, process.auth_token)
        call(provider)
        provider.wait_for_call(TO, status="initiated")
        assert process.stop() == 0

    def test_it_refuses_to_listen_to_the_world(self) -> None:
        with pytest.raises(RuntimeError, match="this machine only"):
            ProviderProcess(SIMULATOR_HOST="0.0.0.0")  # noqa: S104 - that is what is refused
