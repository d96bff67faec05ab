"""Handing mails to the mail server, over one connection that is kept; what its answers mean."""

import smtplib
import ssl
from datetime import timedelta
from time import monotonic
from typing import Final

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from common.channels import Message, Outcome, SendResult
from common.clock import now
from eventinvoke.channels.email.letter import build

_IDLE_SECONDS: Final = 5.0
"""A connection that was not used for so long is opened anew: the server may have closed it."""
_PAUSE: Final = timedelta(seconds=10)
"""A server that could not be reached is left alone so long, or each mail of a batch would wait for it."""
_PERMANENT: Final = 500
_TEMPORARY: Final = 400
_TOO_LATE: Final = "It was too late: nobody wants this notice any more."
_UNWRITABLE: Final = "This can't be written as a mail."

Verdict = tuple[Outcome, str]


class Post:
    """A connection to the mail server, for one stream of mails. Used by one thread at a time."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._backend: BaseEmailBackend = get_connection()
        self._is_open = False
        self._used_at = 0.0
        self._down_until = 0.0
        self._down: Verdict = (Outcome.RETRY, "")

    def deliver(self, message: Message) -> SendResult:
        """Send one mail and say what became of it. Raises nothing that a mail or a server may cause."""
        if message.expires_at <= now():
            return SendResult(message, Outcome.REJECTED, reason=_TOO_LATE)
        try:
            mail = build(message, self._backend)
            mail.message()  # what can't be written is found before the server is asked
        except ValueError:
            return SendResult(message, Outcome.REJECTED, reason=_UNWRITABLE)
        refused = self._open()
        if refused is not None:
            outcome, reason = refused
            return SendResult(message, outcome, reason=reason, retry_after=_PAUSE)
        verdict = self._send(mail)
        if verdict is not None:
            # Whatever went wrong, the next mail finds a conversation that begins at the beginning.
            self.close()
            return SendResult(message, verdict[0], reason=verdict[1])
        return SendResult(message, Outcome.ACCEPTED, str(mail.extra_headers["Message-ID"]))

    def close(self) -> None:
        """End the connection, if there is one."""
        self._is_open = False
        try:
            self._backend.close()
        except (OSError, smtplib.SMTPException):
            self._backend = get_connection()

    def _open(self) -> Verdict | None:
        if self._is_open and monotonic() - self._used_at > _IDLE_SECONDS:
            self.close()
        if self._is_open:
            return None
        if monotonic() < self._down_until:
            return self._down
        try:
            self._backend.open()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            self._down, self._down_until = _closed(error), monotonic() + _PAUSE.total_seconds()
            return self._down
        self._is_open, self._used_at = True, monotonic()
        return None

    def _send(self, mail: EmailMultiAlternatives) -> Verdict | None:
        try:
            self._backend.send_messages([mail])
        except smtplib.SMTPRecipientsRefused as error:
            code = max((code for code, _said in error.recipients.values()), default=0)
            return _judge(code, Outcome.REJECTED, "The mail server refuses the recipient's address")
        except smtplib.SMTPSenderRefused as error:
            return _judge(
                error.smtp_code, Outcome.MISCONFIGURED, "The mail server refuses DEFAULT_FROM_EMAIL"
            )
        except smtplib.SMTPDataError as error:
            return _judge(error.smtp_code, Outcome.REJECTED, "The mail server refuses the mail")
        except smtplib.SMTPNotSupportedError:
            return Outcome.REJECTED, "The mail server can't take this address."
        except (smtplib.SMTPException, OSError) as error:
            return Outcome.UNKNOWN, f"The mail server gave no answer ({type(error).__name__})."
        self._used_at = monotonic()
        return None


def _judge(code: int, permanent: Outcome, reason: str) -> Verdict:
    """Judge a refusal by its code: 4yz is for now, 5yz for good (RFC 5321, 4.2.1)."""
    if code >= _PERMANENT:
        return permanent, f"{reason} (code {code})."
    if code >= _TEMPORARY:
        return Outcome.RETRY, f"{reason} for the moment (code {code})."
    return Outcome.UNKNOWN, "The mail server's answer makes no sense."


def _closed(error: OSError | smtplib.SMTPException) -> Verdict:
    """Say why no connection could be had."""
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= _PERMANENT:
        return Outcome.MISCONFIGURED, "The mail server does not accept the user or password of EMAIL_URL."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Outcome.MISCONFIGURED, "The mail server has no encryption, or no login, as EMAIL_URL asks for."
    if isinstance(error, ssl.SSLCertVerificationError):
        return Outcome.MISCONFIGURED, "The mail server's certificate is not trusted."
    return Outcome.RETRY, f"The mail server can't be reached ({type(error).__name__})."
