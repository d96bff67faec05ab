"""What the called side of the simulated Twilio saw, for tests to look at."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call as the called side saw it."""

    sid: str
    to: str
    from_: str
    status: str
    answered_by: str
    duration: int | None
    said: tuple[str, ...]
    """Every text that was spoken, in order."""
    languages: tuple[str, ...]
    """The language of each."""
    voices: tuple[str, ...]
    problems: tuple[int, ...]
    """Codes of Twilio's notifications: 11200 not fetched, 12100 no TwiML, 12200 unknown in TwiML."""
    is_listening: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A text message as the receiving side saw it."""

    sid: str
    to: str
    from_: str
    body: str
    status: str
    error_code: int | None
    service: str
    direction: str
    """outbound-api, outbound-reply or inbound."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request to the REST API."""

    operation: str
    """create-call, get-call, list-calls, update-call, create-message, get-message or list-messages."""
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    status: int | None
    """What it was answered with; None when no answer was sent."""
    fault: str

    def get(self, name: str) -> str:
        """Return the first value of a parameter, "" when it was not sent."""
        return next((value for known, value in self.parameters if known == name), "")

    def getall(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for known, value in self.parameters if known == name]


@dataclass(frozen=True, slots=True)
class SeenCallback:
    """A status callback and what it was answered with."""

    url: str
    parameters: dict[str, str]
    status: int | None
    """None when it was lost, or could not be delivered."""
    problem: str


def read_call(data: dict[str, Any]) -> SeenCall:
    """Read a call from the control API's JSON."""
    spoken = [utterance for utterance in data["transcript"] if utterance["kind"] == "say"]
    return SeenCall(
        sid=data["sid"],
        to=data["to"],
        from_=data["from"],
        status=data["status"],
        answered_by=data["answered_by"],
        duration=data["duration"],
        said=tuple(utterance["text"] for utterance in spoken),
        languages=tuple(utterance["language"] for utterance in spoken),
        voices=tuple(utterance["voice"] for utterance in spoken),
        problems=tuple(problem["code"] for problem in data["problems"]),
        is_listening=data["listening"] is not None,
        is_over=data["is_over"],
    )


def read_message(data: dict[str, Any]) -> SeenMessage:
    """Read a message from the control API's JSON."""
    return SeenMessage(
        data["sid"],
        data["to"],
        data["from"],
        data["body"],
        data["status"],
        data["error_code"],
        data["service"],
        data["direction"],
    )


def read_request(data: dict[str, Any]) -> SeenRequest:
    """Read a request from the control API's JSON."""
    parameters = tuple((name, value) for name, value in data["parameters"])
    return SeenRequest(
        data["operation"], data["method"], data["path"], parameters, data["status"], data["fault"]
    )


def read_callback(data: dict[str, Any]) -> SeenCallback:
    """Read a callback from the control API's JSON."""
    return SeenCallback(data["url"], data["parameters"], data["status"], data["problem"])
