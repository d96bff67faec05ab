"""The mail itself: what stands in it and in its headers."""

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
from eventinvoke.links import link

_MAX_SUBJECT: Final = 200


def build(message: Message, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the mail for a message. Raises ``ValueError`` for what can't be written as one."""
    language = texts_for(message.language)
    with override(language):
        context = _context(message, language)
        mail = EmailMultiAlternatives(
            subject=_line(message.title)[:_MAX_SUBJECT] or gettext("Notice"),
            body=render_to_string("eventinvoke/email/notice.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[message.address],
            headers=_headers(message, language, context["unsubscribe_url"]),
            connection=connection,
        )
        mail.attach_alternative(render_to_string("eventinvoke/email/notice.html", context), "text/html")
    return mail


def _line(text: str) -> str:
    """Return a text on one line and without control characters: a header can't hold them."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split())).strip()


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8, and without control characters but line breaks."""
    written = text.encode("utf-8", "replace").decode()
    return "".join(c for c in written if c.isprintable() or c in "\n\t")


def _context(message: Message, language: str) -> dict[str, Any]:
    process_id = message.process_id
    is_web = urlsplit(message.url).scheme in {"http", "https"}
    return {
        "language": language,
        "title": _clean(_line(message.title)),
        "body": _clean(message.body).strip(),
        "url": message.url if is_web else "",
        "confirm_url": link("notification:answer", process_id) if process_id else "",
        "unsubscribe_url": link("notification:unsubscribe", process_id) if process_id else "",
    }


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
