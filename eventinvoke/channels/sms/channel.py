"""The channel ``sms``: a text message with a link to confirm."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.conf import settings

from common.channels import Address, Capabilities, Message, Outcome, Resend, SendResult
from common.clock import now
from common.errors import AddressError
from common.http import Reply, Request, exchange
from eventinvoke.channels import numbers
from eventinvoke.channels.sms.text import compose
from eventinvoke.links import link
from eventinvoke.providers.twilio import answers, asking, rest, statuses

_MAX_VALIDITY: Final = 14_400
"""Seconds that Twilio keeps a message waiting, at most, when nothing is said."""
_TOO_LATE: Final = "It was too late: nobody wants this notice any more."
_EMPTY: Final = "There is nothing to write."
_LANDLINE: Final = "This is a landline, which takes no text messages. Add it as a phone call instead."


class SmsChannel:
    """Text messages by Twilio. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "sms"
    label: ClassVar[str] = "Text message"
    capabilities: ClassVar[Capabilities] = Capabilities(resend=Resend.ASK, has_receipts=True)

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
    return (message.process_id or compose(message)) in record.body


_MESSAGES: Final = asking.Kind("Messages", _meaning, _is_of)


def _request(message: Message) -> Request | Reply:
    seconds = int((message.expires_at - now()).total_seconds())
    if seconds <= 0:
        return Reply(SendResult(message, Outcome.REJECTED, reason=_TOO_LATE))
    body = compose(message)
    if not body:
        return Reply(SendResult(message, Outcome.REJECTED, reason=_EMPTY))
    fields = [
        ("To", message.address),
        ("From", settings.TWILIO_FROM_NUMBER),
        ("Body", body),
        ("ValidityPeriod", str(min(seconds, _MAX_VALIDITY))),
    ]
    if message.process_id:
        fields.append(("StatusCallback", link("notification:message-status", message.process_id)))
    return rest.post("Messages.json", fields, message)
