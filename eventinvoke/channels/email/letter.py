"""The mail itself: what stands in it and in its headers."""

from email.charset import QP, Charset
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, override

from common.channels import Message, Severity
from common.languages import texts_for
from common.process_ids import Purpose, signed_for
from common.texts import cut, foreign, foreign_url, isolated, one_line
from eventinvoke.links import link

_MAX_SUBJECT: Final = 200
_SEVEN_BITS: Final = Charset("utf-8")
"""UTF-8 as quoted-printable: a server without 8BITMIME (RFC 6152) takes no other bytes than ASCII."""
_SEVEN_BITS.body_encoding = QP


class LettersError(ValueError):
    """An address has letters beyond ASCII before the @, which needs SMTPUTF8 (RFC 6531) all the way."""


def build(message: Message, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the mail for a message; it holds ASCII alone.

    Raises ``LettersError`` for a recipient that can't be addressed so, ``ValueError`` for what can't be
    written as a mail.
    """
    if not has_ascii_letters(message.address):
        raise LettersError(message.address)
    language = texts_for(message.language)
    with override(language):
        context = _context(message, language)
        mail = EmailMultiAlternatives(
            subject=isolated(cut(context["title"], _MAX_SUBJECT)) or gettext("Notice"),
            body=render_to_string("eventinvoke/email/notice.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[message.address],
            headers=_headers(message, language, context["unsubscribe_url"]),
            connection=connection,
        )
        html = render_to_string("eventinvoke/email/notice.html", context)
    mail.attach_alternative(html, "text/html")
    if not (str(mail.body).isascii() and html.isascii()):
        mail.encoding = _SEVEN_BITS
    return mail


def has_ascii_letters(address: str) -> bool:
    """Say whether all before the @ is ASCII; Django writes a domain that is not in ASCII too."""
    return parseaddr(address)[1].rpartition("@")[0].isascii()


def _context(message: Message, language: str) -> dict[str, Any]:
    is_web = urlsplit(message.url).scheme in {"http", "https"}
    return {
        "language": language,
        "title": isolated(one_line(message.title)),
        "body": foreign(message.body).strip(),
        "url": foreign_url(message.url) if is_web else "",
        "confirm_url": _link("notification:answer", Purpose.ANSWER, message),
        "unsubscribe_url": _link("notification:unsubscribe", Purpose.UNSUBSCRIBE, message),
    }


def _link(name: str, purpose: Purpose, message: Message) -> str:
    """Return the address of a page about a message, whose id opens no other page; "" for a verification code."""
    return link(name, signed_for(purpose, message.process_id)) if message.process_id else ""


def _headers(message: Message, language: str, unsubscribe_url: str) -> dict[str, str]:
    headers = {
        "Message-ID": message_id(message),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers, please
        "Content-Language": language,
    }
    if message.severity >= Severity.CRITICAL:
        headers["Importance"] = "high"
    if unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        if unsubscribe_url.startswith("https://"):  # RFC 8058, 3.1 asks for HTTPS
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def message_id(message: Message) -> str:
    """Return the Message-ID: the same for every try of a delivery, and for nothing else.

    The tag alone would not do: it counts from the beginning in every new database.
    """
    parts = [message.tag, message.address, str(message.starts_at), message.title]
    if not message.process_id:
        parts.append(message.body)  # of codes, each is another mail
    named = "\n".join(parts).encode("utf-8", "replace")
    digest = salted_hmac("eventinvoke.email.message_id", named, algorithm="sha256")
    _name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    domain = sender.rpartition("@")[2]
    return f"<{digest.hexdigest()[:32]}@{domain if domain.isascii() and domain else 'localhost'}>"
