"""A text message from the queue to its receipt: queued -> sent -> delivered | undelivered, or failed.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from simulator.provider.behaviours import Behaviour, Behaviours
from simulator.provider.callbacks import Conversation, Courier, StatusCallback
from simulator.provider.clock import Clock
from simulator.provider.phones import Phones
from simulator.provider.records import Message, MessageStatus, Webhook

log = logging.getLogger(__name__)

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

    async def clear(self) -> None:
        """Forget all messages, without callbacks."""
        tasks = [message.task for message in self.messages.values() if message.task is not None]
        for conversation in self._conversations.values():
            conversation.stop()
        self.messages.clear()
        self._conversations.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, to: str, from_: str, body: str, status_callback: Webhook | None) -> Message:
        """Queue a message. Two requests send two messages, as with Twilio."""
        message = Message(
            to=to, from_=from_, body=body, created_at=self._clock.now(), status_callback=status_callback
        )
        behaviour = self._behaviours.of(to)
        self.messages[message.sid] = message
        self._conversations[message.sid] = Conversation(self._courier, behaviour.callbacks)
        self._forget_old()
        self._enter(message, MessageStatus.QUEUED)
        message.task = asyncio.create_task(self._carry(message, behaviour))
        return message

    def newest_first(self) -> Iterator[Message]:
        """Yield all messages that are remembered."""
        return reversed(self.messages.values())

    async def _carry(self, message: Message, behaviour: Behaviour) -> None:
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
