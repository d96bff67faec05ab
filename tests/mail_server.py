"""A real mail server on loopback (aiosmtpd) that is told how to answer."""

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.contracts.channel_contract import Answer

USER, PASSWORD = "notice", "right"


class MailServer:
    """Takes mails, and answers as ``answer`` says. A context manager.

    ``implicit_tls``: encrypted from the beginning; ``starttls``: on demand.
    """

    def __init__(
        self, *, implicit_tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
    ) -> None:
        self.mails: list[EmailMessage] = []
        """What was taken, the oldest first."""
        self.raw: list[bytes] = []
        """The same as they came over the wire."""
        self.connections = 0
        self.names: list[str] = []
        """How clients introduced themselves."""
        self.has_8bitmime = True
        self.seconds = 0.0
        """How long it takes over each mail."""
        self.slow_address = ""
        """Mails to this address alone are held (``release``)."""
        self.most_connections = 1000
        self.most_mails = 1_000_000
        """A connection is closed by the server when it asks for more."""
        self.busiest = 0
        """The most connections that there were at one time."""
        self._open = 0
        self._how = Answer.ACCEPT
        self._held = threading.Event()
        self._controller = _Controller(
            _Handler(self),
            hostname="127.0.0.1",
            port=_free_port(),
            authenticator=self._authenticate,
            auth_require_tls=starttls is not None,
            ssl_context=implicit_tls,
            tls_context=starttls,
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def answer(self, how: Answer) -> None:
        """Answer so from now on; ACCEPT at first."""
        self._how = how
        self._held.clear()

    def release(self) -> None:
        """Answer what is held."""
        self._held.set()

    def received(self) -> list[str]:
        """Return the Message-ID of what was taken."""
        return [str(mail["Message-ID"]) for mail in self.mails]

    def canceled(self) -> list[str]:
        """Return nothing: a mail can't be taken back."""
        return []

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        is_right = given.login == USER.encode() and given.password == PASSWORD.encode()
        return AuthResult(success=is_right and self._how is not Answer.FORBID, handled=False)


class _Controller(Controller):
    """Makes connections that count themselves."""

    def factory(self) -> SMTP:
        return _Connection(self.handler, **self.SMTP_kwargs)


class _Connection(SMTP):
    """One connection; refused where there are too many."""

    mails = 0
    is_counted = False

    def connection_made(self, transport: Any) -> None:
        server = self.event_handler._server
        if not self.is_counted and server._open >= server.most_connections:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
            return
        server._open += not self.is_counted  # STARTTLS makes it a second time
        self.is_counted = True
        server.busiest = max(server.busiest, server._open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_counted:
            self.event_handler._server._open -= 1
            super().connection_lost(error)


class _Handler:
    """What aiosmtpd asks at each step of the conversation."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names and parameters
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._server.connections += 1
        self._server.names.append(hostname)
        session.host_name = hostname
        return [one for one in responses if self._server.has_8bitmime or "8BITMIME" not in one]

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        server.mails += 1
        if server.mails > self._server.most_mails:
            server.transport.write(b"421 4.7.0 enough for one connection\r\n")
            server.transport.close()
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._server._how is Answer.REJECT or address.startswith("unknown@"):
            return "550 5.1.1 <unknown> no such user here"
        if self._server._how is Answer.FAIL:
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        how = self._server._how
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        if not (self._server.has_8bitmime or raw.isascii()):
            return "554 5.6.1 8-bit content was not agreed on"
        await asyncio.sleep(self._server.seconds)
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self._server.mails.append(mail)
        self._server.raw.append(raw)
        if self._server.slow_address in envelope.rcpt_tos:
            how = Answer.HOLD
        if how is Answer.VANISH:
            transport: Any = server.transport
            transport.abort()
        if how is Answer.HOLD:
            await asyncio.get_running_loop().run_in_executor(None, self._server._held.wait, 10)
        return "what was that?" if how is Answer.GARBAGE else "250 OK"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
