"""Handing mails to the mail server over one connection that is kept; what its answers mean."""

import smtplib
import ssl
from time import monotonic
from typing import Final, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from common.channels import Message, Outcome, SendResult
from common.clock import now
from eventinvoke.channels.email.backend import Backend, make_backend
from eventinvoke.channels.email.letter import LettersError, build, has_ascii_letters

_IDLE_SECONDS: Final = 5.0
"""A connection that was not used for so long is made again: the server may have closed it."""
_CLOSING: Final = 421
"""RFC 5321, 3.8: the server ends the connection, whatever it was asked."""
_PERMANENT: Final = 500
_TEMPORARY: Final = 400
_TOO_LATE: Final = "It was too late: its time was over."
_UNWRITABLE: Final = "This can't be written as a mail."
_RECIPIENT_LETTERS: Final = (
    "This address has letters other than ASCII before the @. They are not supported: use another address."
)
_SENDER_LETTERS: Final = "DEFAULT_FROM_EMAIL has letters other than ASCII before the @."


class Verdict(NamedTuple):
    """What became of a mail, or of a connection, that was not taken."""

    outcome: Outcome
    reason: str
    is_usable: bool = False
    """The conversation goes on: the server refused this mail alone."""


class Post:
    """A connection to the mail server. Used by one thread at a time, but for ``abort``."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._backend = make_backend()
        self._used_at = 0.0
        self._is_late = False
        self.is_open = False
        self.refusal = Verdict(Outcome.RETRY, "")
        """Why the last connection could not be made."""

    def deliver(self, message: Message) -> SendResult | None:
        """Send one mail and say what became of it; None where no connection could be had (``refusal``).

        Raises nothing that a mail or a server may cause.
        """
        self._is_late = False
        mail = self._written(message)
        if isinstance(mail, SendResult):
            return mail
        has_served = self._is_still_open()
        while True:
            if not self.is_open and not self._open():
                return None
            verdict = self._send(mail)
            if verdict is None:
                return SendResult(message, Outcome.ACCEPTED, str(mail.extra_headers["Message-ID"]))
            if not verdict.is_usable:
                self.drop()
            if verdict not in {_BROKEN, _CLOSED} or self._is_late:
                return SendResult(message, verdict.outcome, reason=verdict.reason)
            if not has_served:
                self.refusal = verdict
                return (
                    None
                    if verdict is _CLOSED
                    else SendResult(message, verdict.outcome, reason=verdict.reason)
                )
            has_served = False  # the server had closed a connection that was idle or served enough: once more

    def abort(self) -> None:
        """Let the mail that is being sent fail now. Called by another thread."""
        self._is_late = True
        if isinstance(self._backend, Backend):
            self._backend.abort()

    def close(self) -> None:
        """End the connection, if there is one."""
        self.is_open = False
        try:
            self._backend.close()
        except (OSError, smtplib.SMTPException):
            self.drop()

    def drop(self) -> None:
        """Forget the connection, in whatever state it is."""
        self.is_open = False
        if isinstance(self._backend, Backend):
            self._backend.drop()
        else:
            self._backend = make_backend()

    def _written(self, message: Message) -> EmailMultiAlternatives | SendResult:
        """Return the mail, or the result where there is none: what can't be written never gets a connection."""
        if message.expires_at <= now():
            return SendResult(message, Outcome.REJECTED, reason=_TOO_LATE)
        if not has_ascii_letters(settings.DEFAULT_FROM_EMAIL):
            return SendResult(message, Outcome.MISCONFIGURED, reason=_SENDER_LETTERS)
        try:
            mail = build(message, self._backend)
            mail.message()
        except LettersError:
            return SendResult(message, Outcome.REJECTED, reason=_RECIPIENT_LETTERS)
        except ValueError:
            return SendResult(message, Outcome.REJECTED, reason=_UNWRITABLE)
        return mail

    def _is_still_open(self) -> bool:
        if self.is_open and monotonic() - self._used_at > _IDLE_SECONDS:
            self.drop()
        return self.is_open

    def _open(self) -> bool:
        try:
            self._backend.open()
        except (OSError, smtplib.SMTPException) as error:
            self.drop()
            self.refusal = _closed(error)
            return False
        self.is_open, self._used_at = True, monotonic()
        return True

    def _send(self, mail: EmailMultiAlternatives) -> Verdict | None:
        if isinstance(self._backend, Backend):
            self._backend.has_begun_mail = False
        try:
            mail.connection = self._backend
            self._backend.send_messages([mail])
        except (smtplib.SMTPException, OSError) as error:
            verdict = _refused(error)
            if verdict is None and isinstance(self._backend, Backend) and not self._backend.has_begun_mail:
                return _BROKEN
            reason = f"The mail server gave no answer ({type(error).__name__})."
            return verdict or Verdict(Outcome.UNKNOWN, reason)
        self._used_at = monotonic()
        return None


_BROKEN: Final = Verdict(Outcome.RETRY, "The connection to the mail server broke before it took the mail.")
_CLOSED: Final = Verdict(Outcome.RETRY, "The mail server closes its connections at the moment (code 421).")


def _refused(error: OSError | smtplib.SMTPException) -> Verdict | None:
    """Say what the server refused; None when it did not answer."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = max((code for code, _said in error.recipients.values()), default=0)
            return _judge(code, Outcome.REJECTED, "The mail server refuses the recipient's address")
        case smtplib.SMTPSenderRefused():
            reason = "The mail server refuses DEFAULT_FROM_EMAIL"
            return _judge(error.smtp_code, Outcome.MISCONFIGURED, reason)
        case smtplib.SMTPDataError():
            return _judge(error.smtp_code, Outcome.REJECTED, "The mail server refuses the mail")
        case smtplib.SMTPNotSupportedError():
            return Verdict(Outcome.REJECTED, "The mail server can't take this address.")
        case _:
            return None


def _judge(code: int, permanent: Outcome, reason: str) -> Verdict:
    """Judge a refusal by its code: 4yz is for now, 5yz for good (RFC 5321, 4.2.1)."""
    if code == _CLOSING:
        return _CLOSED
    if code >= _PERMANENT:
        return Verdict(permanent, f"{reason} (code {code}).", is_usable=True)
    if code >= _TEMPORARY:
        return Verdict(Outcome.RETRY, f"{reason} for the moment (code {code}).", is_usable=True)
    return Verdict(Outcome.UNKNOWN, "The mail server's answer makes no sense.")


def _closed(error: OSError | smtplib.SMTPException) -> Verdict:
    """Say why no connection could be had."""
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= _PERMANENT:
        reason = "The mail server does not accept the user or password of EMAIL_URL."
        return Verdict(Outcome.MISCONFIGURED, reason)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        reason = "The mail server has no encryption, or no login, as EMAIL_URL asks for."
        return Verdict(Outcome.MISCONFIGURED, reason)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Verdict(Outcome.MISCONFIGURED, "The mail server's certificate is not trusted.")
    return Verdict(Outcome.RETRY, f"The mail server can't be reached ({type(error).__name__}).")
