"""What the service worker gets; the package's docstring shows it."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from django.utils.translation import gettext, override

from common.channels import Message, Severity
from eventinvoke.links import PLACEHOLDER, path

MAX_BYTES: Final = 3993
"""Of plaintext: a push service must take a body of 4096 bytes (RFC 8030, section 7.2)."""
SMALL_BYTES: Final = 3000
"""Of plaintext, for a push service that refuses ``MAX_BYTES``."""

_OWN: Final = b'%b,"tag":"%b","process_id":"%b","report":"%b%b%b"}'
"""What is each message's own, after what it shares with others."""
_ELLIPSIS: Final = "…"
_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@lru_cache(maxsize=64)
def _actions(language: str) -> list[dict[str, str]]:
    with override(language):
        return [
            {"action": "confirm", "title": gettext("Acknowledge")},
            {"action": "snooze", "title": gettext("Snooze")},
        ]


def _severity(value: int) -> str:
    if value >= Severity.CRITICAL:
        return "critical"
    return "warning" if value >= Severity.WARNING else "info"


def build(message: Message, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the payload of a message, cut to ``max_bytes`` so that a push service has to take it.

    The body gives way first, then the link, then the title; no character is ever cut in two.
    """
    shared, before, after = _shared(
        (message.title, message.body, message.url),
        None if message.is_closing else message.severity,
        message.language,
        message.starts_at,
        bool(message.process_id),
        len(message.tag),
        max_bytes,
    )
    process_id = message.process_id.encode()
    # A tag and a process id are base64url: nothing in them needs an escape.
    return _OWN % (shared, message.tag.encode(), process_id, before, process_id, after)


@lru_cache(maxsize=256)
def _shared(
    texts: tuple[str, str, str],
    severity: int | None,
    language: str,
    starts_at: datetime | None,
    has_report: bool,  # noqa: FBT001
    tag_length: int,
    max_bytes: int,
) -> tuple[bytes, bytes, bytes]:
    """Return what thousands of messages about one event have in common.

    The beginning of the JSON object, and what stands around the process id in the report's path. Without a severity it takes
    a notification back.
    """
    title, body, url = texts
    around = path("notification:push-report", PLACEHOLDER) if has_report else ""
    before, _, after = around.encode().partition(PLACEHOLDER.encode())
    mark = PLACEHOLDER.encode() if has_report else b""
    room = max_bytes + 1 - len(_OWN % (b"", b"t" * tag_length, mark, before, mark, after))
    content: dict[str, Any] = {
        "title": title,
        "body": body,
        "severity": _severity(severity or Severity.INFO),
        "language": language,
        "url": url,
        "starts_at": starts_at and f"{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "actions": _actions(language) if has_report else [],
    }
    if severity is None:
        content["close"] = True
    text = _encoded(content)
    if len(text) > room:
        _cut(content, "body", room)
        text = _encoded(content)
    if len(text) > room:
        content["url"] = ""  # half an address leads nowhere
        _cut(content, "title", room)
        text = _encoded(content)
    return text[:-1], before, after


def _encoded(content: dict[str, Any]) -> bytes:
    # Half a surrogate pair can't be written as UTF-8; a question mark stands for it.
    return _to_json(content).encode("utf-8", "replace")


def _cut(content: dict[str, Any], key: str, room: int) -> None:
    """Shorten one text until everything fits, or nothing of it is left."""
    text = content[key]
    while text:
        excess = len(_encoded(content)) - room
        if excess <= 0:
            return
        kept = text.encode("utf-8", "replace")[: -(excess + len(_ELLIPSIS.encode()))]
        text = kept.decode("utf-8", "ignore").rstrip()
        content[key] = f"{text}{_ELLIPSIS}" if text else ""
