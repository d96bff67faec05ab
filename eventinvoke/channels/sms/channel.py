"""The channel ``sms``: a text message with a link to acknowledge."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from django.conf import settings

from common.channels import Address, Capabilities, Contact, Message, Outcome, Resend, SendResult
from common.clock import now
from common.errors import AddressError
from common.http import Reply, Request, exchange
from common.process_ids import Purpose, signed_for
from eventinvoke.channels import numbers
from eventinvoke.channels.sms.text import compose, template, with_ids
from eventinvoke.links import PLACEHOLDER, link
from eventinvoke.providers.twilio import answers, asking, rest, senders, statuses

_MAX_VALIDITY: Final = 14_400
"""Seconds that Twilio keeps a message waiting, at most, when nothing is said."""
_TOO_LATE: Final = "It was too late: its time was over."
_NO_SENDER: Final = "No sender of text messages is set: see TWILIO_TEXT_FROM and TWILIO_FROM_NUMBER."
_EMPTY: Final = "There is nothing to write."
_LANDLINE: Final = "This is a landline, which takes no text messages. Add it as a phone call instead."


class SmsChannel:
    """Text messages by Twilio. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "sms"
    label: ClassVar[str] = "Text message"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.ASK,
        has_receipts=True,
        has_answer_link=True,
        contact=Contact("message", fields=(numbers.FIELD,), note=numbers.note),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:  # noqa: ARG002 - a number is all
        """Check a phone number in the international form; a landline is refused."""
        number = numbers.parse(address)
        if numbers.is_landline(number):
            raise AddressError(_LANDLINE, field="address")
        return numbers.address(number)

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Create messages, many at once."""
        for reply in exchange(map(_request, messages)):
            if reply is None:
                yield None
            elif isinstance(reply.tag, SendResult):
                yield reply.tag
            else:
                yield answers.result(reply.tag, reply)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        """Ask for a message by its sid; with none, look for one that holds the try's own link."""
        yield from asking.ask(_MESSAGES, messages)

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:  # noqa: ARG002 - there is no way
        """Yield nothing: a text message that Twilio took can't be taken back."""
        return iter(())


def _meaning(row: Mapping[str, Any]) -> statuses.Meaning:
    code = row.get("error_code")
    return statuses.of_message(str(row.get("status")), code if isinstance(code, int) else None)


def _is_of(message: Message, record: asking.Record) -> bool:
    # Twilio may put words of its own in front ("Sent from your Twilio trial account").
    own = signed_for(Purpose.ANSWER, message.process_id) if message.process_id else compose(message)
    return own in record.body


_MESSAGES: Final = asking.Kind("Messages", _meaning, _is_of)


def _request(message: Message) -> Request | Reply:
    seconds = int((message.expires_at - now()).total_seconds())
    if seconds <= 0:
        return Reply(SendResult(message, Outcome.REJECTED, reason=_TOO_LATE))
    if reason := numbers.refusal(message.address):
        return Reply(SendResult(message, Outcome.REJECTED, reason=reason))
    if not (message.process_id or message.title.strip() or message.body.strip()):
        return Reply(SendResult(message, Outcome.REJECTED, reason=_EMPTY))
    sender = senders.for_text(message.address)
    if sender is None:
        return Reply(SendResult(message, Outcome.MISCONFIGURED, reason=_NO_SENDER))
    # A verification code is not kept in memory: only what thousands of messages share is cached.
    make = _shared_form if message.process_id else _shared_form.__wrapped__
    has_replies = settings.TWILIO_TEXT_REPLIES and sender.can_get_texts
    shared = make(
        message.title,
        message.body,
        message.language,
        sender.field,
        has_links=bool(message.process_id),
        has_replies=has_replies,
    )
    own = rest.form([("To", message.address), ("ValidityPeriod", str(min(seconds, _MAX_VALIDITY)))])
    return rest.post_form("Messages.json", f"{own}&{with_ids(shared, message.process_id)}", message)


@lru_cache(maxsize=256)
def _shared_form(
    title: str, body: str, language: str, sender: tuple[str, str], *, has_links: bool, has_replies: bool
) -> str:
    """Return what all messages of one text have in common; placeholders stand for the ids.

    Ids need no encoding, so they may be put in afterwards.
    """
    text = template(title, body, language, has_links=has_links, has_replies=has_replies)
    fields = [sender, ("Body", text)]
    if has_links:
        fields.append(("StatusCallback", link("notification:message-status", PLACEHOLDER)))
    return rest.form(fields)
