"""A text message from the queue to its receipt: queued -> sent -> delivered | undelivered, or failed.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from simulator.provider.behaviours import Behaviour, Behaviours, CallbackFaults
from simulator.provider.callbacks import Conversation, Courier, StatusCallback
from simulator.provider.clock import Clock
from simulator.provider.parameters import Draft
from simulator.provider.phones import Phones
from simulator.provider.records import Message, MessageStatus

log = logging.getLogger(__name__)

POOL_NUMBER: Final = "+15005550006"
"""What a Messaging Service sends from."""
_SECONDS_TO_SEND: Final = 0.5
_SECONDS_TO_DELIVER: Final = 1.5
_FINAL: Final = frozenset({MessageStatus.DELIVERED, MessageStatus.UNDELIVERED, MessageStatus.FAILED})


class MessageCentre:
    """All messages of the account."""

    def __init__(
        self, *, clock: Clock, courier: Courier, behaviours: Behaviours, phones: Phones, kept: int
    ) -> None:
        """Start with no messages."""
        self.messages: OrderedDict[str, Message] = OrderedDict()
        self._clock = clock
        self._courier = courier
        self._behaviours = behaviours
        self._phones = phones
        self._kept = kept
        self._conversations: dict[str, Conversation] = {}
        self.opted_out: set[tuple[str, str]] = set()
        """Pairs of a sender and a number that has answered STOP to it."""

    async def clear(self) -> None:
        """Forget all messages, without callbacks."""
        tasks = [message.task for message in self.messages.values() if message.task is not None]
        for conversation in self._conversations.values():
            conversation.stop()
        self.messages.clear()
        self._conversations.clear()
        self.opted_out.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, draft: Draft, direction: str = "outbound-api") -> Message:
        """Queue a message. Two requests send two messages, as with Twilio."""
        message = Message(
            to=draft.to,
            from_=draft.from_,
            body=draft.body,
            created_at=self._clock.now(),
            status_callback=draft.status_callback,
            service=draft.service,
            direction=direction,
        )
        if not draft.from_:
            message.status = MessageStatus.ACCEPTED
        behaviour = self._behaviours.of(draft.to)
        self.messages[message.sid] = message
        self._conversations[message.sid] = Conversation(self._courier, behaviour.callbacks)
        self._forget_old()
        if message.from_:
            self._enter(message, MessageStatus.QUEUED)
        message.task = asyncio.create_task(self._carry(message, behaviour))
        return message

    def take_in(self, from_: str, to: str, body: str) -> Message:
        """Store a message that came in."""
        message = Message(to=to, from_=from_, body=body, created_at=self._clock.now(), direction="inbound")
        message.status = MessageStatus.RECEIVED
        self.messages[message.sid] = message
        self._conversations[message.sid] = Conversation(self._courier, CallbackFaults())
        self._forget_old()
        self._phones.changed(from_)
        return message

    def answer(self, message: Message, body: str, *, is_forced: bool = False) -> None:
        """Send a reply to a message that came in; not to a number that has opted out, unless forced."""
        if is_forced or (message.to, message.from_) not in self.opted_out:
            self.send(Draft(message.from_, message.to, "", body, None), "outbound-reply")

    def newest_first(self) -> Iterator[Message]:
        """Yield all messages that are remembered."""
        return reversed(self.messages.values())

    async def _carry(self, message: Message, behaviour: Behaviour) -> None:
        if not message.from_:
            message.from_ = POOL_NUMBER
            self._enter(message, MessageStatus.QUEUED)
        await self._clock.sleep(_SECONDS_TO_SEND)
        if behaviour.message == MessageStatus.FAILED:
            message.error_code = behaviour.message_error
            self._enter(message, MessageStatus.FAILED)
            return
        message.sent_at = self._clock.now()
        self._enter(message, MessageStatus.SENT, is_last=behaviour.message == MessageStatus.SENT)
        if behaviour.message == MessageStatus.SENT:
            return
        await self._clock.sleep(_SECONDS_TO_DELIVER)
        if behaviour.message == MessageStatus.UNDELIVERED:
            message.error_code = behaviour.message_error
        self._enter(message, MessageStatus(behaviour.message))

    def _enter(self, message: Message, status: MessageStatus, *, is_last: bool = False) -> None:
        message.status = status
        message.updated_at = self._clock.now()
        log.info("message %s to %s is %s", message.sid, message.to, status.value)
        self._phones.changed(message.to)
        if message.status_callback is None:
            return
        told = [
            ("AccountSid", self._courier.account_sid),
            ("ApiVersion", "2010-04-01"),
            ("From", message.from_),
            ("MessageSid", message.sid),
            ("MessageStatus", status.value),
            ("SmsSid", message.sid),
            ("SmsStatus", status.value),
            ("To", message.to),
        ]
        if message.service:
            told.append(("MessagingServiceSid", message.service))
        if message.error_code is not None:
            told.append(("ErrorCode", str(message.error_code)))
        if status is MessageStatus.DELIVERED:
            told.append(("RawDlrDoneDate", f"{self._clock.now():%y%m%d%H%M}"))
        callback = StatusCallback(
            message.status_callback, told, status.value, is_last or status in _FINAL, self._clock.seconds()
        )
        self._conversations[message.sid].tell(callback)

    def _forget_old(self) -> None:
        if len(self.messages) <= self._kept:
            return
        over = [message.sid for message in self.messages.values() if message.is_over]
        for sid in over[: len(self.messages) - self._kept]:
            del self.messages[sid]
            del self._conversations[sid]
