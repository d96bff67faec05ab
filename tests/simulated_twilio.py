"""A pytest plugin: the simulated provider (``simulator.provider``) in a process of its own, for tests.

The fixture ``simulated_twilio`` starts it once a session, with time fifty times as fast, forgets
everything between tests, and points Django's settings at it. It behaves as Twilio does, at the network's
edge; a test sets in advance only what the *called side* does::

    simulated_twilio.behave("+4915112345678", answers="person", keys=["1"])
    simulated_twilio.break_next("create-call", "accept-then-never")
    ...
    call = simulated_twilio.wait_for_call("+4915112345678", status="completed")
    assert "Pump 3" in call.said[0]
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fixtures.processes import wait_until
from tests.provider_process import ProviderProcess
from tests.seen_at_twilio import (
    SeenCall,
    SeenCallback,
    SeenMessage,
    SeenRequest,
    read_call,
    read_callback,
    read_message,
    read_request,
)

if TYPE_CHECKING:
    # Not at run time: pytest rewrites the assertions of plugins, and it must be the first to import them.
    from pytest_django import Settings

FROM_NUMBER: Final = "+15005550006"
__all__ = ["SeenCall", "SeenCallback", "SeenMessage", "SeenRequest", "SimulatedTwilio"]

DEADLINE: Final = 20.0
"""Real seconds for one request of a test."""


class SimulatedTwilio:
    """A running provider, and what a test may set and see."""

    def __init__(self, url: str, account_sid: str, auth_token: str) -> None:
        self.url = url
        """For ``TWILIO_API_URL`` and ``SIMULATOR_URL``."""
        self.account_sid = account_sid
        self.auth_token = auth_token

    @property
    def environment(self) -> dict[str, str]:
        """What a process of ours needs to use it: ``process_environment |= simulated_twilio.environment``."""
        return {
            "SIMULATOR_URL": self.url,
            "SIMULATOR_ACCOUNT_SID": self.account_sid,
            "SIMULATOR_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM_NUMBER": FROM_NUMBER,
        }

    def behave(self, number: str = "any", **behaviour: Any) -> None:
        """Let a number behave so, until the test ends; "any" is every number without its own.

        answers: wait (default; rings until the test calls ``answer``), person, machine,
        busy, no-answer, fail, invalid. answer_after, key_after, hang_up_after: simulated seconds.
        keys: what the person types, one entry for each Gather, "" lets it time out. interrupts: types
        over the prompt. answered_by: what machine detection says. message: delivered, sent,
        undelivered, failed, unsubscribed, invalid; message_error: its code. fault: as ``break_next``,
        for every request. callbacks: {"duplicates": 1, "late": 3, "lost": ["ringing", "amd"] or "all",
        "reversed": True, "signed_with": "another token"}.
        """
        self.control("POST", f"phones/{number}/behaviour", behaviour)

    def break_next(
        self,
        operation: str = "any",
        fault: str | int = "never",
        *,
        number: str = "",
        times: int = 1,
        **details: Any,
    ) -> None:
        """Let the next request go wrong.

        ``fault`` is never, drop, garbage, accept-then-never, accept-then-drop, accept-then-garbage
        (carried out, but the client is not told), slow (with ``seconds``, real), or the status of an
        error answer (429, 500, 503 ...; with ``code``, ``message``, ``retry_after``).
        """
        whole = {"kind": "error", "status": fault} if isinstance(fault, int) else {"kind": fault}
        data = {"operation": operation, "number": number, "times": times, "fault": {**whole, **details}}
        self.control("POST", "faults", data)

    def repair(self) -> None:
        """Forget the faults that no request has met."""
        self.control("DELETE", "faults")

    def answer(self, number: str) -> None:
        """Pick up the phone that is ringing (waiting until it rings)."""
        self._act_when_possible(number, "answer")

    def decline(self, number: str) -> None:
        """Decline the call: busy."""
        self._act_when_possible(number, "decline")

    def let_voicemail_answer(self, number: str) -> None:
        """Let the answering machine pick up."""
        self._act_when_possible(number, "voicemail")

    def hang_up(self, number: str) -> None:
        """End the call that is in progress."""
        self._act_when_possible(number, "hangup")

    def press(self, number: str, digits: str) -> None:
        """Press keys as soon as a Gather listens. (With fast time, prefer ``behave(keys=…)``.)"""
        self.wait_for_call(number, until=lambda call: call.is_listening)
        self.control("POST", f"phones/{number}/keys", {"digits": digits})

    def set_up_number(self, number: str, sms_url: str) -> None:
        """Let texts to a number of the account be brought to a webhook, as Twilio's console does."""
        self.control("POST", f"numbers/{number}", {"sms_url": sms_url})

    def write(self, number: str, body: str, to: str = FROM_NUMBER) -> None:
        """Write a text from a phone to a number of the account; return when the webhook has answered."""
        self.control("POST", f"phones/{number}/texts", {"to": to, "body": body, "wait": True})

    def calls(self, number: str = "") -> list[SeenCall]:
        """Return all calls, the oldest first; only those to ``number`` if one is given."""
        return [read_call(data) for data in self.control("GET", "calls") if number in {"", data["to"]}]

    def messages(self, number: str = "") -> list[SeenMessage]:
        """Return all messages, the oldest first; only those to ``number`` if one is given."""
        return [read_message(data) for data in self.control("GET", "messages") if number in {"", data["to"]}]

    @property
    def requests(self) -> list[SeenRequest]:
        """All requests to the REST API, the oldest first."""
        return [read_request(data) for data in self.control("GET", "requests")]

    @property
    def callbacks(self) -> list[SeenCallback]:
        """All status callbacks that were delivered or tried, the oldest first."""
        return [read_callback(data) for data in self.control("GET", "callbacks")]

    def wait_for_call(
        self, number: str = "", *, status: str = "", until: Callable[[SeenCall], bool] | None = None
    ) -> SeenCall:
        """Return the newest call to a number, as soon as there is one in that state."""

        def look() -> SeenCall | None:
            for call in reversed(self.calls(number)):
                if status in {"", call.status} and (until is None or until(call)):
                    return call
            return None

        wanted = f"a call to {number or 'anybody'} that is {status or 'as wanted'}"
        found: SeenCall = wait_until(look, what=wanted)
        return found

    def wait_for_message(self, number: str = "", *, status: str = "") -> SeenMessage:
        """Return the newest message to a number, as soon as there is one in that state."""

        def look() -> SeenMessage | None:
            return next((m for m in reversed(self.messages(number)) if status in {"", m.status}), None)

        wanted = f"a message to {number or 'anybody'} that is {status or 'there'}"
        found: SeenMessage = wait_until(look, what=wanted)
        return found

    def wait_for_callbacks(self, count: int) -> list[SeenCallback]:
        """Return all callbacks as soon as there are so many."""

        wait_until(lambda: len(self.callbacks) >= count, what=f"{count} status callbacks")
        return self.callbacks

    def reset(self) -> None:
        """Forget everything."""
        self.control("POST", "reset")

    def control(self, method: str, path: str, data: object = None) -> Any:
        """Make one request to the control API; return its JSON. Raises ``HTTPError`` for an error."""
        headers = {"Authorization": f"Bearer {self.auth_token}", "Content-Type": "application/json"}
        return self.fetch(method, f"/simulator/{path}", headers, None if data is None else json.dumps(data))

    def fetch(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Any:
        """Make one request to the provider; return its JSON."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path, data=None if body is None else body.encode(), headers=headers, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=DEADLINE) as response:
            return json.loads(response.read())

    def _act_when_possible(self, number: str, action: str) -> None:
        def act() -> bool:
            try:
                self.control("POST", f"phones/{number}/{action}")
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 409:
                        raise
                return False
            return True

        wait_until(act, what=f"{action} at {number}")


@pytest.fixture(scope="session")
def simulated_twilio_process() -> Iterator[ProviderProcess]:
    """The provider's process, one for the whole session."""
    process = ProviderProcess()
    yield process
    process.stop()


@pytest.fixture
def simulated_twilio(
    simulated_twilio_process: ProviderProcess, settings: "Settings"
) -> Iterator[SimulatedTwilio]:
    """The simulated provider with nothing set and nothing remembered; the settings point at it."""
    process = simulated_twilio_process
    provider = SimulatedTwilio(process.url, process.account_sid, process.auth_token)
    provider.reset()
    settings.TWILIO_ACCOUNT_SID = provider.account_sid
    settings.TWILIO_AUTH_TOKENS = [provider.auth_token]
    settings.TWILIO_FROM_NUMBER, settings.TWILIO_TEXT_FROM = FROM_NUMBER, ""
    settings.TWILIO_API_URL = settings.SIMULATOR_URL = provider.url
    settings.IS_SIMULATED = True
    yield provider
    provider.reset()
