"""What a channel is: one kind of contact method, such as phone calls or mails.

A channel receives frozen dataclasses and gives frozen dataclasses back; it never sees a model and
never touches the database. Each channel lives in a folder of its own,
``eventinvoke/channels/<kind>/``, and is listed once, in the setting ``NOTICE_CHANNELS``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple, Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string

from common.queues import Queue


class Severity:
    """How much an event matters. The numbers are what the database holds; more is more urgent."""

    INFO: Final = 10
    WARNING: Final = 20
    CRITICAL: Final = 30


class Resend(StrEnum):
    """What to do with a message when it is unknown whether the provider took it."""

    AGAIN = "again"
    """Send it again: the second one replaces the first (a push with the same tag)."""
    ASK = "ask"
    """Ask the provider first, with ``Channel.ask`` (a phone must not ring twice)."""


class Verification(StrEnum):
    """How a target is shown to belong to the member who adds it."""

    CODE = "code"
    """A code is sent to it, and the member types the code."""
    NONE = "none"
    """The way in which it is added proves it (a browser that subscribed itself, the inbox)."""


class Adding(StrEnum):
    """How a member gets a target of a channel."""

    FORM = "form"
    """The member types an address into a form."""
    BROWSER = "browser"
    """The member's browser subscribes itself, by a script in the channel's ``template``."""
    BUILT_IN = "built_in"
    """Every member has one from the beginning; it can't be deleted."""


@dataclass(frozen=True, slots=True)
class AddressField:
    """One field of the form in which a member types an address."""

    name: str = "address"
    """``address``, or the key of ``config`` under which the value is given to ``check_address``."""
    label: str = "Address"
    help: str = ""
    input_type: str = "text"
    """The type of the HTML input: text, email, tel, url."""
    placeholder: str = ""
    autocomplete: str = ""
    """What the browser fills in: a value of the HTML attribute of this name."""
    is_required: bool = True


class Note(NamedTuple):
    """A sentence for the page on which a code is typed, and a page that it leads to."""

    text: str
    page: str = ""
    """A URL name, which takes the key of the target; "" for none."""
    page_label: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """How the panel shows a channel and adds a target of it, so that it needs to know no channel by name."""

    icon: str = "send"
    """The name of a symbol in ``static/icons.svg``."""
    adding: Adding = Adding.FORM
    fields: tuple[AddressField, ...] = (AddressField(),)
    """The form's fields, where ``adding`` is FORM; one of them is named ``address``."""
    onboarding: str = ""
    """What a member should know before adding one: a plain sentence."""
    template: str = ""
    """What stands in the list "Add a contact method" in place of a link to the form; for BROWSER."""
    is_single: bool = False
    """A member has one at most, so that its address says nothing."""
    can_test: bool = True
    """A test may be sent to it."""
    note: Callable[[], Note | None] | None = None
    """What to say where the code is typed, by the settings of this installation."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel is and can do, so that neither the dispatcher nor the panel knows one by name."""

    resend: Resend
    verification: Verification = Verification.CODE
    contact: Contact = Contact()
    is_silent: bool = False
    """It makes no sound: quiet hours and the daily cap do not hold it back."""
    queue: Queue = Queue.FIRE
    """Which workers send it."""
    has_receipts: bool = False
    """The provider reports later what became of a message (so SENT is not the end)."""
    can_redial: bool = False
    """It may be busy or not answered, so that trying again may help."""
    can_cancel: bool = False
    """A message that was accepted but not yet carried out can be taken back."""
    has_answer_link: bool = False
    """Its messages carry a link to the page on which they are answered, signed for ``Purpose.ANSWER``."""
    rate_per_second: float | None = None
    """How many messages the provider takes in a second, by default; None is no limit."""
    at_once: int | None = None
    """How many messages one claim may take, so that all of them are sent within half of their lease even
    when each takes as long as it may; None is no limit but the size of a batch."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked: as it is stored, and as a person reads it."""

    address: str
    shown: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the channel needs besides the address, as JSON (the keys of a push subscription)."""


class Message(NamedTuple):
    """One thing to tell one target. All instants are aware and in UTC.

    A named tuple, because one is made for each of a batch: a frozen dataclass of this size takes five times as long.
    """

    process_id: str
    """The signed id of the attempt (``common.process_ids``); "" for a verification code."""
    address: str
    title: str
    body: str
    tag: str
    """The same for every try of one delivery, at most 32 base64url characters."""
    expires_at: datetime
    """The deadline: after it, the message is no longer worth sending."""
    config: Mapping[str, Any] = MappingProxyType({})
    severity: int = Severity.INFO
    language: str = "en"
    """BCP 47, of the member."""
    time_zone: str = "UTC"
    """IANA name, of the member."""
    starts_at: datetime | None = None
    """When the event that this is about starts."""
    url: str = ""
    """Where to read more; absolute, or "" """
    started_at: datetime | None = None
    """When this try began; ``ask`` looks for what the provider took since then."""
    known_ids: frozenset[str] = frozenset()
    """For ``ask``: the provider's ids of what is known to be of other tries to the same address."""
    provider_id: str = ""
    """For ``ask``: the provider's own id of it, where it is known."""
    is_closing: bool = False
    """It takes back what was shown under its tag (channels that can replace what they have shown)."""
    prepared: bytes = b""
    """What ``Preparing.prepare`` made of it ahead of its time, or b"" """


class Outcome(StrEnum):
    """What became of one try. The values are what the database holds."""

    ACCEPTED = "accepted"
    """The provider took it. Whether it arrived is another question."""
    DELIVERED = "delivered"
    """It is known to be where the person looks (nothing but a receipt says more)."""
    RETRY = "retry"
    """Not taken, and worth another try (5xx, 429, no connection)."""
    REJECTED = "rejected"
    """Not taken, and never will be (a number that does not exist, a message too large)."""
    UNDELIVERED = "undelivered"
    """It was taken, and did not reach the person (no answer); said by a provider that is asked later."""
    GONE = "gone"
    """Not taken, because the target is no more: disable it."""
    MISCONFIGURED = "misconfigured"
    """Not taken, because our own credentials or settings are wrong: keep the target, try again."""
    UNKNOWN = "unknown"
    """It may have been taken or not (a time-out after the request was sent)."""


class SendResult(NamedTuple):
    """What became of one message."""

    message: Message
    outcome: Outcome
    provider_id: str = ""
    """The provider's own id of it (a call SID)."""
    reason: str = ""
    """For a person: a plain sentence, at most 300 characters. "" when it was accepted."""
    retry_after: timedelta | None = None
    """How long the provider wants to be left alone."""
    may_redial: bool = False
    """Of UNDELIVERED: whether calling again may help (a busy line, no answer)."""


@runtime_checkable
class Channel(Protocol):
    """One kind of contact method.

    ``tests/contracts/channel_contract.py`` is the suite that every implementation passes.
    """

    kind: ClassVar[str]
    """A lower-case word, unique, at most 20 characters; the folder's name."""
    label: ClassVar[str]
    """What a person reads in the panel: "Phone call"."""
    capabilities: ClassVar[Capabilities]

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        """Check and normalise an address that a person gave.

        Raises ``common.errors.AddressError`` (with ``field`` "address" or a key of ``config``).
        """
        ...

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Send messages; yield one result for each, in any order, as soon as it is known.

        ``messages`` is read lazily, as there is room for more, so that a stream of any length
        needs the same memory. Whenever nothing has been known for about 50 ms, ``None`` is
        yielded, so that the caller can record what it has. A fault of one message is that
        message's result, never an exception; an exception is a defect of the channel.
        """
        ...

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        """Ask the provider what became of messages, sending nothing.

        That is asked of messages that ended ``UNKNOWN``, and of those that it accepted and never
        reported about (they carry their ``provider_id``). ACCEPTED: it took it, and it is under
        way. DELIVERED: and it arrived. REJECTED: it took it, and it did not arrive (``reason``).
        RETRY: it never took it, so it may be sent. UNKNOWN: ask again later. Needed where ``capabilities.resend`` is ASK; others yield nothing.
        """
        ...

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        """Take back what was accepted but not carried out; yield the ids that were taken back.

        Needed where ``capabilities.can_cancel``; others yield nothing.
        """
        ...


@runtime_checkable
class Preparing(Protocol):
    """A channel whose messages take long to make ready, so that it is done in the seconds before their time."""

    def prepare(self, message: Message) -> bytes:
        """Return what ``send`` will need of this message, or b"" where there is nothing to prepare.

        It comes back as ``Message.prepared``. By then the message may have changed: ``send`` has to see
        that by itself. Sends nothing and never raises.
        """
        ...


@cache
def registry() -> Mapping[str, Channel]:
    """Return every channel of the setting ``NOTICE_CHANNELS`` by its kind, made once a process.

    Raises ``ImportError`` for a path that is none, ``TypeError`` for what is no channel and
    ``ValueError`` for a kind that stands there twice.
    """
    channels: dict[str, Channel] = {}
    for path in settings.NOTICE_CHANNELS:
        channel = import_string(path)()
        if not isinstance(channel, Channel):
            msg = f"{path} is not a channel: it lacks a part of common.channels.Channel"
            raise TypeError(msg)
        if channel.kind in channels:
            msg = f"two channels call themselves {channel.kind!r}; the second is {path}"
            raise ValueError(msg)
        channels[channel.kind] = channel
    return channels


def get(kind: str) -> Channel:
    """Return the channel of that kind. Raises ``KeyError`` for a kind that is not installed."""
    return registry()[kind]


def contact_of(kind: str) -> Contact:
    """Return how a kind of target is shown; of a kind that is not installed, no test can be sent."""
    channel = registry().get(kind)
    return channel.capabilities.contact if channel is not None else Contact(can_test=False)


def added_by(adding: Adding) -> list[Channel]:
    """Return the channels of whose targets a member gets one in this way, in their order."""
    return [one for one in registry().values() if one.capabilities.contact.adding is adding]
