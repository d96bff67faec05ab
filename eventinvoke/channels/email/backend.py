"""Django's SMTP backend with a name of our own in EHLO, and connections that can be ended at any time."""

import contextlib
import smtplib
import socket
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend

_DJANGOS: Final = "django.core.mail.backends.smtp.EmailBackend"
_QUIT_SECONDS: Final = 1.0
"""All mails were taken by then, so the server's goodbye is not worth a longer wait."""


def ehlo_name() -> str:
    """Return the name by which this server introduces itself (RFC 5321, 4.1.1.1).

    ``EMAIL_EHLO_NAME``, else the host of ``NOTICE_PUBLIC_URL``; an IP address as a literal (4.1.3).
    """
    name = settings.EMAIL_EHLO_NAME or urlsplit(settings.NOTICE_PUBLIC_URL).hostname or "localhost"
    with contextlib.suppress(ValueError):
        address = ip_address(name)
        return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"  # noqa: PLR2004
    try:
        return str(name.encode("idna").decode("ascii"))
    except UnicodeError:
        return "localhost"


class _Watched:
    """A connection that its backend knows before it is made, and tells when a mail is on its way."""

    def __init__(self, backend: "Backend", *args: Any, **options: Any) -> None:
        backend.latest = self
        self._backend = backend
        super().__init__(*args, **options)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self._backend.has_begun_mail = True
        answer: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        return answer


class _Plain(_Watched, smtplib.SMTP):
    """One that begins unencrypted; STARTTLS may follow."""


class _Encrypted(_Watched, smtplib.SMTP_SSL):
    """One that is encrypted from the beginning."""


class Backend(smtp.EmailBackend):
    """An SMTP connection that says our name. Used by one thread, but for ``abort``."""

    latest: Any = None
    """The connection that was begun last."""
    has_begun_mail = False
    """The content of a mail may have reached the server since this was set to False."""
    _partial_connection: smtplib.SMTP | None

    @property
    def connection_class(self) -> Any:
        """Return what makes the connection; called by ``open``."""
        return self._connect

    def _connect(self, host: str, port: int, **options: Any) -> smtplib.SMTP:
        kind = _Encrypted if self.use_ssl else _Plain
        return kind(self, host, port, **options | {"local_hostname": ehlo_name()})

    def close(self) -> None:
        """End the connection politely, without waiting long for the server's answer."""
        if self.connection is not None and self.connection.sock is not None:
            self.connection.sock.settimeout(_QUIT_SECONDS)
        super().close()

    def drop(self) -> None:
        """End the connection without a word."""
        for one in (self.connection, self._partial_connection):
            if one is not None:
                one.close()
        self.connection = self._partial_connection = None

    def abort(self) -> None:
        """Let whatever waits for the server fail now; called by another thread."""
        sock = getattr(self.latest, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def make_backend() -> BaseEmailBackend:
    """Return a new backend of the kind that ``EMAIL_BACKEND`` names; for SMTP, ours in place of Django's."""
    if settings.EMAIL_BACKEND == _DJANGOS:
        return Backend()
    return get_connection()
