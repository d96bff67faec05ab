"""How a number behaves when it is called or gets a message. Set for each number by the control API."""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from simulator.provider.faults import Fault

ANY_NUMBER: Final = "any"
"""Stands for every number that has no behaviour of its own."""

ANSWERS: Final = ("wait", "person", "machine", "busy", "no-answer", "fail", "invalid")
MESSAGES: Final = ("delivered", "sent", "undelivered", "failed", "unsubscribed", "invalid")
_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class CallbackFaults:
    """What goes wrong with a number's status callbacks."""

    duplicates: int = 0
    """How many more times each one is delivered, with the same idempotency token."""
    late: float = 0.0
    """Simulated seconds before each one leaves."""
    lost: frozenset[str] = frozenset()
    """Values of CallStatus or MessageStatus that are never reported, "amd" for the result of machine
    detection; "all" loses every callback."""
    is_reversed: bool = False
    """The last one arrives first, the others after it."""
    signed_with: str = ""
    """Another token than the account's: forged, or the older one of a rotation."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it. Raises ``ValueError`` saying what is wrong."""
        _refuse_unknown(data, {"duplicates", "late", "lost", "reversed", "signed_with"}, "callbacks")
        lost = data.get("lost", [])
        return cls(
            duplicates=int(_number(data.get("duplicates", 0), "callbacks.duplicates", most=100)),
            late=_number(data.get("late", 0), "callbacks.late"),
            lost=frozenset([lost] if isinstance(lost, str) else map(str, lost)),
            is_reversed=bool(data.get("reversed", False)),
            signed_with=str(data.get("signed_with", "")),
        )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one number behaves."""

    answers: str = "wait"
    """"wait" rings until a person answers at the phone in the panel, or until the time-out."""
    answer_after: float = 3.0
    """Simulated seconds of ringing before ``answers`` happens."""
    keys: tuple[str, ...] = ()
    """The keys that the person presses, one entry for each Gather in turn; "" lets that Gather time out."""
    key_after: float = 1.0
    """Simulated seconds between the end of a Gather's prompt and the first key."""
    is_interrupting: bool = False
    """The person types over the prompt, ``key_after`` counting from its start."""
    hang_up_after: float | None = None
    """Simulated seconds after answering until the person hangs up; None listens to the end."""
    answered_by: str = ""
    """What answering machine detection says; "" is human for a person and machine_… for a machine."""
    message: str = "delivered"
    message_error: int = 30003
    """ErrorCode of a message that is undelivered or failed (30003: unreachable handset)."""
    fault: Fault | None = None
    """What goes wrong with every request that names this number."""
    callbacks: CallbackFaults = field(default_factory=CallbackFaults)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it. Raises ``ValueError`` saying what is wrong."""
        _refuse_unknown(data, _NAMES, "a behaviour")
        values: dict[str, Any] = {}
        for name, allowed in (("answers", ANSWERS), ("message", MESSAGES)):
            if name in data:
                values[name] = _one_of(data[name], allowed, name)
        for name in ("answer_after", "key_after", "hang_up_after"):
            if data.get(name) is not None:
                values[name] = _number(data[name], name)
        for given, name, read in _READERS:
            if data.get(given) is not None:
                values[name] = read(data[given])
        return cls(**values)


_NAMES: Final = {f.name for f in fields(Behaviour)} - {"is_interrupting"} | {"interrupts"}


class Behaviours:
    """The behaviour of every number."""

    def __init__(self) -> None:
        """Start with every number waiting for a person."""
        self._of: OrderedDict[str, Behaviour] = OrderedDict()

    def of(self, number: str) -> Behaviour:
        """Return how a number behaves."""
        return self._of.get(number) or self._of.get(ANY_NUMBER) or Behaviour()

    def set(self, number: str, behaviour: Behaviour) -> None:
        """Let a number (or ``ANY_NUMBER``) behave so, from now on."""
        self._of[number] = behaviour
        while len(self._of) > _KEPT:
            self._of.popitem(last=False)

    def forget(self, number: str) -> None:
        """Let a number wait for a person again."""
        self._of.pop(number, None)

    def clear(self) -> None:
        """Let every number wait for a person again."""
        self._of.clear()


def _message_error(value: object) -> int:
    return int(_number(value, "message_error", most=99_999))


def _refuse_unknown(data: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        msg = f"{what} has no {', '.join(unknown)}; it may have {', '.join(sorted(known))}"
        raise ValueError(msg)


def _one_of(value: object, allowed: Sequence[str], name: str) -> str:
    if value not in allowed:
        msg = f"{name} is one of {', '.join(allowed)}; not {value!r}"
        raise ValueError(msg)
    return str(value)


def _number(value: object, name: str, most: float = 86_400) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{name} is a number; not {value!r}"
        raise ValueError(msg)
    if not 0 <= value <= most:
        msg = f"{name} is at least 0 and at most {most:g}; not {value!r}"
        raise ValueError(msg)
    return float(value)


def _keys(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(entry, str) and not set(entry) - set("0123456789*#") for entry in value
    ):
        msg = "keys is a list of strings of 0 to 9, * and #"
        raise ValueError(msg)
    return tuple(value)


_READERS: Final[tuple[tuple[str, str, Callable[[Any], object]], ...]] = (
    ("keys", "keys", _keys),
    ("answered_by", "answered_by", str),
    ("interrupts", "is_interrupting", bool),
    ("message_error", "message_error", _message_error),
    ("fault", "fault", Fault.from_json),
    ("callbacks", "callbacks", CallbackFaults.from_json),
)
"""Name in JSON, name in Behaviour, and what reads it."""
