"""What is shortened in lines of the log: repeated faults, and secrets."""

import logging
import re
from typing import Final

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


class LostBrokerFilter(logging.Filter):
    """Reduces the two hundred lines that the beat logs each second without a broker to one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove both stack traces and keep the message; no record is dropped."""
        if record.name == "celery.beat" and str(record.msg).startswith(_LOST_BROKER):
            said = record.args[0] if isinstance(record.args, tuple) and record.args else record.msg
            record.msg, record.args = "%s It is tried again in a moment.", (said,)
            record.exc_info = record.exc_text = None
        return True
