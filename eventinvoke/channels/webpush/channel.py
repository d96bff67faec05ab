"""The channel ``webpush``: a notification in a browser."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from py_vapid import VapidException

from common import clock
from common.channels import (
    Adding,
    Address,
    Capabilities,
    Contact,
    Message,
    Outcome,
    Resend,
    SendResult,
    Severity,
    Verification,
)
from common.http import Reply, Request, exchange
from eventinvoke.channels.webpush import answers, payload, subscriptions
from eventinvoke.channels.webpush.encryption import OVERHEAD_BYTES
from eventinvoke.channels.webpush.resting import Resting
from eventinvoke.channels.webpush.sealed import body_of, seal
from eventinvoke.channels.webpush.vapid import authorization, public_key

_FIXED_HEADERS: Final = ("Content-Encoding: aes128gcm", "Content-Type: application/octet-stream")
_URGENT: Final = "Urgency: high"
_NORMAL: Final = "Urgency: normal"
_MAX_IN_FLIGHT: Final = 256
"""A push service far away answers after 100 ms; this many make 2,500 a second a process even then."""
_SCHEME_LENGTH: Final = len("https://")
_BAD_MESSAGE: Final = (AttributeError, KeyError, TypeError, ValueError)
_BAD_KEYS: Final = "The browser's keys can't be used."
_BAD_VAPID: Final = "Our VAPID key or subject can't be used."
_SILENT: Final = "This push service does not answer at the moment."
_TOO_LATE: Final = "It was too late: the notice had expired."


class WebPushChannel:
    """Web Push to any browser's push service. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "webpush"
    label: ClassVar[str] = "Browser notification"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.AGAIN,
        verification=Verification.NONE,
        has_receipts=True,
        contact=Contact(
            "browser", Adding.BROWSER, fields=(), template="eventinvoke/channels/webpush_add.html"
        ),
    )

    timeout: ClassVar[float] = 10.0
    """In seconds, for one message."""

    def __init__(self) -> None:
        """Begin with every push service awake."""
        self._resting = Resting()

    @property
    def public_key(self) -> str:
        """What a browser needs to subscribe: the ``applicationServerKey``, in base64url."""
        return public_key()

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        """Check a browser's subscription: the endpoint, and ``{"keys": {"p256dh", "auth"}}``."""
        return subscriptions.check(address, config)

    def prepare(self, message: Message) -> bytes:
        """Encrypt a message ahead of its time; b"" where the browser's keys can't be used."""
        try:
            return seal(message)
        except _BAD_MESSAGE:
            return b""

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Encrypt and send, many at once. What is too large for a service is sent once more, shortened."""
        too_large: deque[Message] = deque()
        yield from self._exchange(self._requests(messages, too_large), too_large)
        while too_large:
            yield from self._exchange(self._requests((), too_large), too_large)

    def _requests(self, messages: Iterable[Message], too_large: deque[Message]) -> Iterator[Request | Reply]:
        for message in messages:
            yield self._request(message, payload.MAX_BYTES)
            while too_large:
                yield self._request(too_large.popleft(), payload.SMALL_BYTES)
        while too_large:
            yield self._request(too_large.popleft(), payload.SMALL_BYTES)

    def _exchange(
        self, requests: Iterator[Request | Reply], too_large: deque[Message]
    ) -> Iterator[SendResult | None]:
        for reply in exchange(requests, max_in_flight=_MAX_IN_FLIGHT, timeout=self.timeout):
            if reply is None:
                yield None
                continue
            if isinstance(reply.tag, SendResult):
                yield reply.tag
                continue
            message, size = reply.tag
            self._resting.note(_origin(message.address), is_timeout=reply.is_timeout)
            if reply.status == answers.TOO_LARGE and size > payload.SMALL_BYTES + OVERHEAD_BYTES:
                too_large.append(message)
            else:
                yield answers.result(message, reply)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:  # noqa: ARG002 - a push service can't be asked
        """Yield nothing: a message whose fate is unknown is sent again, and replaces the first."""
        return iter(())

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:  # noqa: ARG002 - nor told
        """Yield nothing: what a push service took can't be taken back."""
        return iter(())

    def _request(self, message: Message, max_bytes: int) -> Request | Reply:
        """Return the request that brings a message, or a reply that holds why there is none.

        The payload is cut to ``max_bytes``. The request's tag is the message and the size of its body.
        """
        seconds = (message.expires_at - clock.now()).total_seconds()
        if seconds < 0:
            return Reply(SendResult(message, Outcome.REJECTED, reason=_TOO_LATE))
        origin = _origin(message.address)
        left = self._resting.seconds_left(origin)
        if left:
            pause = timedelta(seconds=left)
            return Reply(SendResult(message, Outcome.RETRY, reason=_SILENT, retry_after=pause))
        try:
            signed = authorization(origin)
        except (VapidException, ValueError, OSError) as error:
            return Reply(
                SendResult(message, Outcome.MISCONFIGURED, reason=f"{_BAD_VAPID} ({type(error).__name__})")
            )
        try:
            body = body_of(message, max_bytes)
        except _BAD_MESSAGE:
            return Reply(SendResult(message, Outcome.REJECTED, reason=_BAD_KEYS))
        urgency = _URGENT if message.severity >= Severity.CRITICAL else _NORMAL
        return Request(
            message.address,
            body,
            # A TTL of 0 would have it dropped wherever the browser is not connected at this moment.
            (signed, f"TTL: {max(1, int(seconds))}", urgency, f"Topic: {message.tag}", *_FIXED_HEADERS),
            (message, len(body)),
            is_repeatable=True,
            wanted_headers=answers.WANTED_HEADERS,
        )


def _origin(endpoint: str) -> str:
    slash = endpoint.find("/", _SCHEME_LENGTH)
    return endpoint if slash < 0 else endpoint[:slash]
