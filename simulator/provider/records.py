"""What the provider remembers: calls and messages."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

TRANSCRIPT_LENGTH: Final = 200
"""How many utterances of one call are remembered."""


class CallStatus(StrEnum):
    """https://www.twilio.com/docs/voice/api/call-resource#call-status-values."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Say whether the call is over."""
        return self in _FINAL_CALL


_FINAL_CALL: Final = frozenset(
    {CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED, CallStatus.CANCELED}
)


class MessageStatus(StrEnum):
    """https://www.twilio.com/docs/messaging/api/message-resource#message-status-values."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    ACCEPTED = "accepted"
    """Of a Messaging Service that has not chosen a sender yet."""
    RECEIVED = "received"
    """It came in."""


class Pickup(StrEnum):
    """What the called side did."""

    PERSON = "person"
    MACHINE = "machine"
    BUSY = "busy"
    FAIL = "fail"


def new_sid(prefix: str) -> str:
    """Return a new sid: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that Twilio asks or tells."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What the client wanted of a call."""

    url: Webhook | None = None
    """None when the TwiML came with the request."""
    twiml: str = ""
    fallback: Webhook | None = None
    status_callback: Webhook | None = None
    events: frozenset[str] = frozenset({"completed"})
    timeout: float = 60.0
    """Seconds of ringing."""
    time_limit: float = 14_400.0
    """Seconds of talking."""
    machine_detection: str = ""
    is_async_amd: bool = False
    amd_callback: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that was said in a call, or a sound that was played (``kind`` "play")."""

    text: str
    language: str
    voice: str = ""
    kind: str = "say"


@dataclass(frozen=True, slots=True)
class Listening:
    """A Gather that waits for keys."""

    num_digits: int | None
    finish_on_key: str
    digits: str = ""
    is_prompt_over: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One call."""

    to: str
    from_: str
    options: CallOptions
    created_at: datetime
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: CallStatus = CallStatus.QUEUED
    updated_at: datetime | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    queued_seconds: float = 0.0
    answered_clock: float | None = None
    """When it was answered, on the simulated clock."""
    duration: int | None = None
    """Simulated seconds, as Twilio bills it; None until the call is over."""
    answered_by: str = ""
    sequence_number: int = 0
    """Of the next status callback."""
    saying: Utterance | None = None
    utterance_number: int = 0
    """Counts what was said, so that a phone speaks each thing once, also when words repeat."""
    listening: Listening | None = None
    transcript: deque[Utterance] = field(default_factory=lambda: deque(maxlen=TRANSCRIPT_LENGTH))
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Twilio's notifications about it: code and sentence."""
    pickup: asyncio.Future[Pickup] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    keys: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(64))
    task: asyncio.Task[None] | None = None
    """What carries the call on."""
    beside: list[asyncio.Task[None]] = field(default_factory=list)
    """What goes on beside it until it ends."""
    redirect: CallOptions | None = None
    """A new Url or Twiml that the client gave while the call was in progress."""


@dataclass(slots=True, eq=False)
class Message:
    """One text message."""

    to: str
    from_: str
    body: str
    created_at: datetime
    status_callback: Webhook | None = None
    sid: str = field(default_factory=lambda: new_sid("SM"))
    status: MessageStatus = MessageStatus.QUEUED
    updated_at: datetime | None = None
    sent_at: datetime | None = None
    error_code: int | None = None
    service: str = ""
    """The Messaging Service that sends it."""
    direction: str = "outbound-api"
    task: asyncio.Task[None] | None = None

    @property
    def between(self) -> tuple[str, str]:
        """The two sides of it."""
        return self.from_, self.to

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will happen with it."""
        return self.direction == "inbound" or (self.task is not None and self.task.done())


@dataclass(slots=True)
class OwnNumber:
    """A number of the account: https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource."""

    number: str
    sid: str = field(default_factory=lambda: new_sid("PN"))
    sms_url: str = ""
    sms_method: str = "POST"
