"""Twilio's requests to its client, signed; parameters are in the query for GET, in the form for POST.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urldefrag, urlencode, urlsplit

import aiohttp
from yarl import URL

from simulator.provider.behaviours import CallbackFaults
from simulator.provider.clock import Clock
from simulator.provider.records import Webhook

log = logging.getLogger(__name__)

Parameters = Sequence[tuple[str, str]]
_MAX_ANSWER: Final = 256 * 1024


def sign(token: str, url: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """Return the ``X-Twilio-Signature`` of a request.

    ``url`` is the whole one with its query; ``parameters`` are those of the form in the body, and
    none for GET. A name that stands there twice with the same value counts once.
    """
    text = url + "".join(name + value for name, value in sorted(set(parameters)))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class WebhookError(Exception):
    """A webhook that did not answer as it should, with the code of Twilio's notification."""

    def __init__(self, code: int, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered."""

    status: int
    content_type: str
    text: str

    @property
    def is_good(self) -> bool:
        """Say whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class StatusCallback:
    """A status callback to deliver."""

    webhook: Webhook
    parameters: Parameters
    status: str
    """Its CallStatus or MessageStatus."""
    is_last: bool
    told_at: float
    """On the simulated clock."""


class Courier:
    """Signs requests and carries them."""

    def __init__(self, *, account_sid: str, auth_token: str, timeout: float, clock: Clock, kept: int) -> None:
        """Hold what is needed; ``timeout`` in real seconds."""
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.journal: deque[dict[str, Any]] = deque(maxlen=kept)
        """The outcome of every status callback, the oldest first."""
        self._timeout = timeout
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open connections. Call it in the running loop."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, webhook: Webhook, parameters: Parameters, *, signed_with: str = "", idempotency_token: str = ""
    ) -> Answer:
        """Make one request. Raises ``WebhookError`` when no answer comes in time."""
        url = urldefrag(webhook.url).url
        body: bytes | None = None
        signed: Parameters = ()
        headers = {
            "Accept": "*/*",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": idempotency_token or str(uuid.uuid4()),
        }
        if webhook.method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(parameters)
        else:
            body, signed = urlencode(parameters).encode(), parameters
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        headers["X-Twilio-Signature"] = sign(signed_with or self.auth_token, url, signed)
        try:
            return await self._request(webhook.method, url, headers, body)
        except TimeoutError as error:
            raise WebhookError(11205, f"{url} did not answer within {self._timeout:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WebhookError(11200, f"{url} could not be reached: {error}") from error

    async def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        # The URL is signed as it stands, so it must travel as it stands.
        target = URL(url, encoded=True)
        if self._session is None:
            msg = "the courier is not open"
            raise RuntimeError(msg)
        async with self._session.request(method, target, headers=headers, data=body) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                raw += chunk
                if len(raw) > _MAX_ANSWER:
                    break
            charset = response.charset or "utf-8"
            return Answer(response.status, response.content_type, raw.decode(charset, "replace"))

    async def deliver(self, callback: StatusCallback, faults: CallbackFaults) -> None:
        """Deliver a status with the faults that are set for it. A failure is recorded, never raised.

        Twilio does not repeat a callback that failed.
        """
        if faults.late:
            await self._clock.sleep(callback.told_at + faults.late - self._clock.seconds())
        if faults.lost & {callback.status, "all"}:
            self._note(callback, None, "lost on purpose")
            return
        idempotency_token = str(uuid.uuid4())
        for _ in range(1 + faults.duplicates):
            try:
                answer = await self.ask(
                    callback.webhook,
                    callback.parameters,
                    signed_with=faults.signed_with,
                    idempotency_token=idempotency_token,
                )
            except WebhookError as error:
                self._note(callback, None, error.message)
            else:
                self._note(callback, answer.status, "")

    def _note(self, callback: StatusCallback, status: int | None, problem: str) -> None:
        told = f"answered {status}" if status is not None else problem
        log.info("status callback %r to %s: %s", callback.status, callback.webhook.url, told)
        self.note(callback.webhook.url, callback.parameters, status, problem)

    def note(self, url: str, parameters: Parameters, status: int | None, problem: str) -> None:
        """Record what a webhook answered, or what was wrong with it."""
        self.journal.append(
            {
                "at": self._clock.now().isoformat(),
                "url": url,
                "parameters": dict(parameters),
                "status": status,
                "problem": problem,
            }
        )


class Conversation:
    """The status callbacks of one call or message: in order, unless another order is set."""

    def __init__(self, courier: Courier, faults: CallbackFaults) -> None:
        """Begin it."""
        self._courier = courier
        self._faults = faults
        self._held: list[StatusCallback] = []
        self._waiting: asyncio.Queue[StatusCallback] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def tell(self, callback: StatusCallback) -> None:
        """Deliver a callback after the earlier ones, or in the wrong order if that is set."""
        if self._faults.is_reversed and not callback.is_last:
            self._held.append(callback)
            return
        self._waiting.put_nowait(callback)
        while self._held:
            self._waiting.put_nowait(self._held.pop())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._carry())

    async def _carry(self) -> None:
        while not self._waiting.empty():
            await self._courier.deliver(self._waiting.get_nowait(), self._faults)

    def stop(self) -> None:
        """Deliver nothing more."""
        if self._task is not None:
            self._task.cancel()
