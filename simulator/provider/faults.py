"""What goes wrong with a request to the REST API, one request at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

OPERATIONS: Final = (
    "create-call",
    "get-call",
    "list-calls",
    "update-call",
    "create-message",
    "get-message",
    "list-messages",
    "get-balance",
    "list-numbers",
)
ANY_OPERATION: Final = "any"

KINDS: Final = (
    "never",
    "drop",
    "garbage",
    "accept-then-never",
    "accept-then-drop",
    "accept-then-garbage",
    "slow",
    "error",
)
"""The request is lost and no answer comes; the connection is closed; the answer is no JSON; the same
three after the request was carried out; the right answer comes ``seconds`` late; an error answer."""

_END_OF_ERRORS: Final = 600
_SERVER_ERROR: Final = (20500, "An internal server error has occurred")
_ERRORS: Final = {429: (20429, "Too Many Requests"), 503: (20503, "Service Unavailable")}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    status: int = 500
    """Of an "error"; 4xx and 5xx."""
    code: int = 20500
    """Twilio's code of an "error"."""
    message: str = "An internal server error has occurred"
    retry_after: int | None = None
    """Seconds, in the Retry-After header of an "error"."""
    seconds: float = 0.0
    """Real seconds, of "slow"."""

    @property
    def is_accepting(self) -> bool:
        """Say whether the request is carried out all the same."""
        return self.kind.startswith("accept-") or self.kind == "slow"

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str | int) -> Self:
        """Read it: an object, or only its kind ("never"), or only the status of an error (429).

        Raises ``ValueError`` saying what is wrong.
        """
        if isinstance(data, int):
            data = {"kind": "error", "status": data}
        if isinstance(data, str):
            data = {"kind": data}
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown or data.get("kind") not in KINDS:
            msg = f"a fault has a kind of {', '.join(KINDS)}, and status, code, message, retry_after, seconds"
            raise ValueError(msg)
        status = int(data.get("status", 500))
        if not HTTPStatus.BAD_REQUEST <= status < _END_OF_ERRORS:
            msg = f"the status of an error is 400 to 599; not {status}"
            raise ValueError(msg)
        code, message = _ERRORS.get(status, _SERVER_ERROR)
        retry_after = data.get("retry_after", 1 if status == HTTPStatus.TOO_MANY_REQUESTS else None)
        return cls(
            kind=data["kind"],
            status=status,
            code=int(data.get("code", code)),
            message=str(data.get("message", message)),
            retry_after=None if retry_after is None else int(retry_after),
            seconds=float(data.get("seconds", 0.0)),
        )


@dataclass(slots=True)
class _Waiting:
    operation: str
    number: str
    fault: Fault
    times: int


class Faults:
    """The faults that wait for a request that they fit."""

    def __init__(self) -> None:
        """Start with nothing going wrong."""
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault, operation: str = ANY_OPERATION, number: str = "", times: int = 1) -> None:
        """Let the next ``times`` requests go wrong; only those for ``number`` unless it is ""."""
        if operation not in (*OPERATIONS, ANY_OPERATION):
            msg = f"an operation is one of {', '.join(OPERATIONS)} or {ANY_OPERATION}; not {operation!r}"
            raise ValueError(msg)
        self._waiting.append(_Waiting(operation, number, fault, times))

    def take(self, operation: str, number: str) -> Fault | None:
        """Return the fault for this request, and count it."""
        for waiting in self._waiting:
            if waiting.operation in (operation, ANY_OPERATION) and waiting.number in (number, ""):
                waiting.times -= 1
                if waiting.times <= 0:
                    self._waiting.remove(waiting)
                return waiting.fault
        return None

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._waiting.clear()
