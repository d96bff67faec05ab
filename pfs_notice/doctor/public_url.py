"""The public URL: whether this machine reaches it, the proxy's headers, and the certificate."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from common.http.handles import ca_file
from pfs_notice.doctor.findings import Finding, Level

SECONDS: Final = 10.0
RENEWED: Final = timedelta(days=14)
"""Certificates that are renewed by themselves have more left."""
_PART, _CERTIFICATE = "public URL", "certificate"
_MOVED: Final = {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.PERMANENT_REDIRECT}


def examine() -> Iterator[Finding]:
    """Yield what is found."""
    url = urlsplit(settings.NOTICE_PUBLIC_URL)
    try:
        with closing(_connect(url)) as connection:
            connection.connect()
            if isinstance(connection.sock, ssl.SSLSocket):
                yield _certificate(connection.sock)
            yield _answer(url, connection)
    except ssl.SSLError as error:
        text = f"That of {url.netloc} is not trusted: {error.reason or error}"
        if isinstance(error, ssl.SSLCertVerificationError):
            text = f"That of {url.netloc} is not trusted: {error.verify_message}."
        advice = "Renew it and give the proxy the whole chain; for one of your own, set NOTICE_EXTRA_CA_FILE."
        yield Finding(_CERTIFICATE, Level.WRONG, text, advice)
    except (OSError, HTTPException) as error:
        text = f"{url.geturl()} can't be reached from here: {error or type(error).__name__}"
        advice = "Is the proxy running, does the name lead to it, does a firewall let this machine through?"
        yield Finding(_PART, Level.WRONG, text, advice)


def _connect(url: SplitResult) -> HTTPConnection:
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file())
        return HTTPSConnection(url.hostname or "", url.port, timeout=SECONDS, context=context)
    return HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)


def _certificate(sock: ssl.SSLSocket) -> Finding:
    told = sock.getpeercert() or {}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
    left = until - datetime.now(UTC)
    text = f"It is valid until {until:%Y-%m-%d}, for {left.days} days."
    if left < RENEWED:
        return Finding(_CERTIFICATE, Level.WRONG, text, "Renew it; look why that did not happen by itself.")
    return Finding(_CERTIFICATE, Level.OK, text)


def _answer(url: SplitResult, connection: HTTPConnection) -> Finding:
    """Ask for a page that plain http is led away from: it shows what the proxy passes on."""
    status, text, _where = _get(connection, f"{url.path}/health/web")
    if (status, text.strip()) != (HTTPStatus.OK, "ok"):
        advice = "Another server answers there, or the proxy does not lead to ours."
        return Finding(_PART, Level.WRONG, f"{url.geturl()}/health/web answers {status}, not ok.", advice)
    page = f"{url.path}/accounts/login/"
    status, _text, where = _get(connection, page)
    if status in _MOVED and urlsplit(where)[:3] in {url._replace(path=page)[:3], ("", "", page)}:
        advice = "Let the proxy set `X-Forwarded-Proto`, and see NOTICE_BEHIND_PROXY."
        return Finding(_PART, Level.WRONG, f"{url.geturl()} leads to itself for ever.", advice)
    if status != HTTPStatus.OK:
        advice = "Let the proxy pass on `Host`, and see ALLOWED_HOSTS."
        return Finding(
            _PART, Level.WRONG, f"{url.geturl()} answers {status} to the page of sign-ins.", advice
        )
    return Finding(_PART, Level.OK, f"{url.geturl()} is reached from here.")


def _get(connection: HTTPConnection, path: str) -> tuple[int, str, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read(65_536).decode(errors="replace"), answer.headers.get("Location", "")
