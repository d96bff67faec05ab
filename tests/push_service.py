"""A push service on loopback, behaving like the real ones (RFC 8030): TLS, VAPID, and it decrypts.

It refuses what a real one would refuse (no TTL, a wrong signature, a body that is too large), and
keeps what it takes, decrypted with the keys of the browser that it also plays.
"""

import contextlib
import json
import os
import socket
import ssl
import struct
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contracts.channel_contract import RETRY_AFTER, Answer
from tests.tls import server_context
from tests.vapid import Refused, check_vapid

_MAX_BODY = 4096
_STATUSES = {
    Answer.REJECT: 400,
    Answer.FAIL: 503,
    Answer.LIMIT: 429,
    Answer.GONE: 410,
    Answer.FORBID: 403,
}


@dataclass(frozen=True)
class Subscription:
    """What ``PushManager.subscribe`` gives to a browser, and the private part that it keeps."""

    endpoint: str
    private_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def config(self) -> dict[str, Any]:
        """The keys, as ``PushSubscription.toJSON()`` writes them."""
        point = self.private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"keys": {"p256dh": _encode(point), "auth": _encode(self.auth)}}


@dataclass(frozen=True)
class Taken:
    """A message that the service took."""

    subscription: Subscription
    payload: dict[str, Any]
    size: int
    """Of the plaintext in bytes."""
    body: bytes
    """As it came, encrypted."""
    headers: dict[str, str]
    claims: dict[str, Any]


@dataclass(frozen=True)
class Relay:
    """A subscription of a real browser, which decrypts by itself."""

    key: str
    """The VAPID key that it is bound to, in base64url."""
    deliver: Callable[[bytes], None]


@dataclass(frozen=True)
class Refusal:
    """A status with the words that a service puts beside it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


How = Answer | int | Refusal | Callable[[socket.socket], None]
"""How the service answers: a kind of answer, a status, a status with words, or what a function does to the socket."""


@dataclass
class _Book:
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    relays: dict[str, Relay] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answer: How = Answer.ACCEPT
    max_body: int = _MAX_BODY
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        book = self.server.book
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = book.answer
        if isinstance(answer, Refusal):
            self._say(answer.status, answer.body, **answer.headers)
            return
        status = _STATUSES.get(answer) if isinstance(answer, Answer) else answer
        if isinstance(status, int):
            self._say(status, b"<html><body>\nno, and a page that says so</body></html>")
            return
        try:
            taken = self._take(body)
        except Refused as refusal:
            with book.lock:
                book.faults.append(str(refusal))
            self._say(refusal.status, str(refusal).encode())
            return
        if taken is not None:
            with book.lock:
                book.taken.append(taken)
        self._accept(answer)

    def _accept(self, answer: Any) -> None:
        book = self.server.book
        if callable(answer):
            answer(self.connection)
            self.close_connection = True
        elif answer is Answer.GARBAGE:
            self.connection.sendall(b"\x00\x01 this is not HTTP\r\n\r\n")
            self.close_connection = True
        elif answer is Answer.VANISH:
            reset(self.connection)
            self.close_connection = True
        else:
            if answer is Answer.HOLD:
                book.released.wait(30)
            self._say(201, b"", Location=f"https://{self.headers['Host']}/m/{len(book.taken)}")

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        if status == _STATUSES[Answer.LIMIT]:
            headers["Retry-After"] = str(int(RETRY_AFTER.total_seconds()))
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        with self.server.book.lock:
            self.server.book.answered += 1

    def _take(self, body: bytes) -> Taken | None:
        """Check a message as a service does; return it decrypted, or hand it to a real browser."""
        book = self.server.book
        subscription = book.subscriptions.get(self.path) or book.relays.get(self.path)
        if subscription is None:
            raise Refused(404, "no such subscription")
        claims = check_vapid(self.headers.get("Authorization") or "", self.headers["Host"])
        if not (self.headers.get("TTL") or "").isdigit():
            raise Refused(400, "TTL is missing or no number")
        if self.headers.get("Content-Encoding") != "aes128gcm":
            raise Refused(400, "the body is not encrypted with aes128gcm")
        if len(body) > book.max_body:
            raise Refused(413, f"the body has {len(body)} bytes")
        if isinstance(subscription, Relay):
            if self.headers["Authorization"].rpartition("k=")[2] != subscription.key:
                raise Refused(401, "VAPID public key mismatch")
            subscription.deliver(body)
            return None
        try:
            plain = http_ece.decrypt(
                body, private_key=subscription.private_key, auth_secret=subscription.auth, version="aes128gcm"
            )
        except http_ece.ECEException as error:
            raise Refused(400, f"it can't be decrypted: {error}") from error
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Taken(subscription, json.loads(plain), len(plain), body, headers, claims)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        pass


def reset(connection: socket.socket) -> None:
    """Close a connection with RST rather than FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # SSLSocket.detach and close skip TLS's own goodbye, so that nothing precedes the RST.
    with contextlib.suppress(OSError):
        socket.socket(fileno=connection.detach()).close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    book: _Book
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a slow client holds up no other."""
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that break off are part of the tests


class PushService:
    """The running service; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Make a certificate in a folder; ``ca_file`` is for ``NOTICE_EXTRA_CA_FILE``."""
        context = server_context(folder)
        self.ca_file = folder / "certificate.pem"
        self._book = _Book()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.context = context
        self._server.book = self._book
        self.origin = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and let go of what is held."""
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def subscribe(self, name: str = "") -> Subscription:
        """Return a new subscription of a browser."""
        path = f"/push/{name or os.urandom(12).hex()}"
        subscription = Subscription(f"{self.origin}{path}")
        self._book.subscriptions[path] = subscription
        return subscription

    def relay(self, path: str, relay: Relay) -> str:
        """Take messages for a real browser from now on, and return the endpoint."""
        self._book.relays[path] = relay
        return f"{self.origin}{path}"

    def forget(self, path: str) -> None:
        """Answer 404 from now on: the browser has ended this subscription."""
        self._book.relays.pop(path, None)

    def answer(self, how: How) -> None:
        """Answer so from now on."""
        self._book.released.clear()
        self._book.answer = how

    def take_at_most(self, size: int) -> None:
        """Refuse bodies of more bytes, which RFC 8030 does not allow a service below 4096."""
        self._book.max_body = size

    def release(self) -> None:
        """Answer what is held."""
        self._book.answer = Answer.ACCEPT
        self._book.released.set()

    @property
    def taken(self) -> list[Taken]:
        """What was taken so far, in order."""
        with self._book.lock:
            return list(self._book.taken)

    @property
    def answered(self) -> int:
        """How many requests were answered so far, with success or not."""
        with self._book.lock:
            return self._book.answered

    @property
    def faults(self) -> list[str]:
        """What a real service would have refused, and why."""
        with self._book.lock:
            return list(self._book.faults)

    def received(self) -> list[str]:
        """Return what was taken, a text for each that tells them apart."""
        return [f"{taken.payload['tag']} {taken.payload['title']}" for taken in self.taken]

    def canceled(self) -> list[str]:
        """Return nothing: a push can't be taken back."""
        return []
