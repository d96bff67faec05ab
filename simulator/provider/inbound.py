"""Text messages that people send to the account's numbers: opting out, the webhook, and what it answers.

https://www.twilio.com/docs/messaging/guides/webhook-request
https://help.twilio.com/articles/223134027 (the keywords)
"""

import asyncio
import logging
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from simulator.provider.callbacks import Courier, WebhookError
from simulator.provider.messages import MessageCentre
from simulator.provider.records import Message, OwnNumber, Webhook
from simulator.provider.rendering import segments

log = logging.getLogger(__name__)

STOP: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START: Final = frozenset({"START", "YES", "UNSTOP"})
HELP: Final = frozenset({"HELP", "INFO"})
_STOPPED: Final = "You have successfully been unsubscribed. Reply START to resubscribe."
_STARTED: Final = "You have successfully been re-subscribed to messages from this number."
_HELPED: Final = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


class Inbound:
    """What comes in."""

    def __init__(self, centre: MessageCentre, courier: Courier) -> None:
        """Start with no numbers."""
        self.numbers: dict[str, OwnNumber] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._centre = centre
        self._courier = courier

    def clear(self) -> None:
        """Forget all numbers, and ask no webhook any more."""
        for task in self._tasks:
            task.cancel()
        self.numbers.clear()

    def own(self, number: str) -> OwnNumber:
        """Return a number of the account, with what is set for it."""
        return self.numbers.setdefault(number, OwnNumber(number))

    def receive(self, from_: str, to: str, body: str) -> tuple[Message, "asyncio.Task[None]"]:
        """Take in a text; return it and the task that asks the webhook.

        The webhook is asked even for a keyword, which Twilio answers by itself.
        """
        message = self._centre.take_in(from_, to, body)
        pair, word = (to, from_), body.strip().upper()
        if word in STOP:
            self._centre.opted_out.add(pair)
            self._centre.answer(message, _STOPPED, is_forced=True)
        elif word in START and pair in self._centre.opted_out:
            self._centre.opted_out.discard(pair)
            self._centre.answer(message, _STARTED)
        elif word in HELP:
            self._centre.answer(message, _HELPED)
        task = asyncio.create_task(self._ask(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return message, task

    async def _ask(self, message: Message) -> None:
        number = self.numbers.get(message.to)
        if number is None or not number.sms_url:
            return
        webhook = Webhook(number.sms_url, number.sms_method)
        try:
            answer = await self._courier.ask(webhook, self._parameters(message))
        except WebhookError as error:
            self._courier.note(webhook.url, self._parameters(message), None, f"{error.code}: {error.message}")
            return
        problem = "" if answer.is_good else f"11200: {answer.status}"
        try:
            replies = _replies(answer.text) if answer.is_good and answer.text.strip() else []
        except (ParseError, DefusedXmlException) as error:
            replies, problem = [], f"12100: {error}"
        self._courier.note(webhook.url, self._parameters(message), answer.status, problem)
        for reply in replies:
            self._centre.answer(message, reply)

    def _parameters(self, message: Message) -> list[tuple[str, str]]:
        return [
            ("ToCountry", ""),
            ("SmsMessageSid", message.sid),
            ("NumMedia", "0"),
            ("SmsSid", message.sid),
            ("SmsStatus", "received"),
            ("Body", message.body),
            ("FromCountry", ""),
            ("To", message.to),
            ("NumSegments", str(segments(message.body))),
            ("MessageSid", message.sid),
            ("AccountSid", self._courier.account_sid),
            ("From", message.from_),
            ("ApiVersion", "2010-04-01"),
        ]


def _replies(twiml: str) -> list[str]:
    """Return the bodies of the messages: https://www.twilio.com/docs/messaging/twiml/message."""
    root = fromstring(twiml, forbid_dtd=True)
    found = []
    for verb in root:
        if verb.tag != "Message":
            log.warning("the verb %s is skipped", verb.tag)
            continue
        bodies = [part.text or "" for part in verb if part.tag == "Body"]
        found += bodies or [verb.text or ""]
    return [body for body in found if body.strip()]
