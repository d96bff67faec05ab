"""Lines of the log, for people or as JSON, and what is shortened in them: repeated faults, and secrets."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

from common.concerned import concerned

_LOST_BROKER: Final = "Message Error"

_SIGNED_ID: Final = re.compile(r"(?<![\w-])([\w-]{6})[\w-]{37}(?![\w-])", re.ASCII)
"""43 base64url characters: a process id, or the id in a link, or any other token of 32 bytes."""
_QUERY: Final = re.compile(r"([?&](?:code|state|token)=)[^&\s\"']+")


def without_secrets(text: str) -> str:
    """Return a text with the beginnings alone of signed ids and tokens, and without codes in addresses."""
    return _QUERY.sub(r"\1…", _SIGNED_ID.sub(r"\1…", text))


class LineFormatter(logging.Formatter):
    """Writes a line, and a stack trace, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole entry."""
        return without_secrets(super().format(record))


_NAMED: Final = re.compile(r"\bnotice-([0-9a-f]{1,16})\b|/deliveries/([0-9]{1,19})/", re.ASCII)
"""What names a delivery in a line: the tag of a push (``eventinvoke.sending.compose.tag_of``), the address of a page."""


class JsonFormatter(logging.Formatter):
    """Writes one JSON object a line: ``at`` (UTC), ``level``, ``logger``, ``message``.

    ``delivery`` is there where the line concerns one, ``deliveries`` where it concerns several (a hundred at most),
    ``exception`` where there is a stack trace. Secrets are shortened as in ``LineFormatter``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole entry."""
        message = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(message),
        }
        match concerned() or _named(message):
            case []:
                pass
            case [one]:
                fields["delivery"] = one
            case several:
                fields["deliveries"] = list(several)
        if record.exc_info:
            fields["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)


def _named(message: str) -> list[int]:
    return [int(tag, 16) if tag else int(page) for tag, page in _NAMED.findall(message)]


class LostBrokerFilter(logging.Filter):
    """Reduces the two hundred lines that the beat logs each second without a broker to one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove both stack traces and keep the message; no record is dropped."""
        if record.name == "celery.beat" and str(record.msg).startswith(_LOST_BROKER):
            said = record.args[0] if isinstance(record.args, tuple) and record.args else record.msg
            record.msg, record.args = "%s It is tried again in a moment.", (said,)
            record.exc_info = record.exc_text = None
        return True
