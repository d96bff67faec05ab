"""The channel ``voice``: a phone call that reads the notice aloud and takes a key as the answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.conf import settings

from common.channels import Address, Capabilities, Contact, Message, Outcome, Resend, SendResult
from common.clock import now
from common.http import Reply, Request, exchange
from common.queues import Queue
from eventinvoke.channels import numbers
from eventinvoke.channels.voice import code
from eventinvoke.links import link
from eventinvoke.providers.twilio import answers, asking, rest, senders, statuses

_RING_SECONDS: Final = 40
"""Seconds of ringing: long enough to reach the phone, and the next step of the plan waits for it."""
_CALL_SECONDS: Final = 300
"""Seconds after which a call is ended: an answering machine that records on costs money."""
_EVENTS: Final = ("initiated", "ringing", "answered", "completed")
_CALLS: Final = asking.Kind(
    "Calls",
    lambda row: statuses.of_call(str(row.get("status")), str(row.get("answered_by"))),
    lambda _message, _record: True,
)
_TOO_LATE: Final = "It was too late: the notice had expired."
_NO_CALLER: Final = "No number is set that can call: TWILIO_FROM_NUMBER has to name a phone number."


class VoiceChannel:
    """Phone calls by Twilio. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "voice"
    label: ClassVar[str] = "Phone call"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.ASK,
        queue=Queue.URGENT,
        has_receipts=True,
        can_redial=True,
        can_cancel=True,
        rate_per_second=settings.TWILIO_CALLS_PER_SECOND,
        contact=Contact("phone", fields=(numbers.FIELD,), note=numbers.note),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:  # noqa: ARG002 - a number needs no configuration
        """Check a phone number in the international form."""
        return numbers.address(numbers.parse(address))

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Create calls, many at once."""
        for reply in exchange(map(_request, messages)):
            if reply is None:
                yield None
            elif isinstance(reply.tag, SendResult):
                yield reply.tag
            else:
                yield answers.result(reply.tag, reply)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        """Ask for a call by its sid; without one, search the calls to the number at the time of the try.

        A call in the list shows neither the address of its content nor another id of ours. Calls of other
        tries are left out (``Message.known_ids``); of the rest, any that could be this try's counts as
        this try's, because a phone must not ring twice. Usually it is not needed: Twilio's first callback
        about a call names both the call and the try.
        """
        yield from asking.ask(_CALLS, messages)

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        """Take back calls that are queued or ringing; a call that was answered goes on."""
        fields = [("Status", "canceled")]
        requests = (rest.post(f"Calls/{quote(sid, safe='')}.json", fields, sid) for sid in provider_ids)
        for reply in exchange(requests):
            if reply is None or not answers.is_success(reply):
                continue
            if rest.content(reply).get("status") == "canceled":
                yield reply.tag


def _request(message: Message) -> Request | Reply:
    seconds = int((message.expires_at - now()).total_seconds())
    if seconds <= 0:
        return Reply(SendResult(message, Outcome.REJECTED, reason=_TOO_LATE))
    if reason := numbers.refusal(message.address):
        return Reply(SendResult(message, Outcome.REJECTED, reason=reason))
    caller = senders.for_call(message.address)
    if caller is None:
        return Reply(SendResult(message, Outcome.MISCONFIGURED, reason=_NO_CALLER))
    fields = [
        ("To", message.address),
        caller.field,
        ("Timeout", str(min(seconds, _RING_SECONDS))),
        ("TimeLimit", str(_CALL_SECONDS)),
    ]
    fields += _content(message) if message.process_id else [("Twiml", code.twiml(message))]
    return rest.post("Calls.json", fields, message)


def _content(message: Message) -> list[tuple[str, str]]:
    status = link("notification:call-status", message.process_id)
    return [
        ("Url", link("notification:call-content", message.process_id)),
        ("Method", "POST"),
        ("FallbackUrl", link("notification:call-fallback", message.process_id)),
        ("FallbackMethod", "POST"),
        ("StatusCallback", status),
        ("StatusCallbackMethod", "POST"),
        *(("StatusCallbackEvent", event) for event in _EVENTS),
        # Asynchronous: with the other form the person who answers hears silence first.
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", status),
        ("AsyncAmdStatusCallbackMethod", "POST"),
    ]
