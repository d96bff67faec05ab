"""Filters that shorten lines of the log."""

import logging
from typing import Final

_LOST_BROKER: Final = "Message Error"


class LostBrokerFilter(logging.Filter):
    """Reduces the two hundred lines that the beat logs each second without a broker to one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove both stack traces and keep the message; no record is dropped."""
        if record.name == "celery.beat" and str(record.msg).startswith(_LOST_BROKER):
            said = record.args[0] if isinstance(record.args, tuple) and record.args else record.msg
            record.msg, record.args = "%s It is tried again in a moment.", (said,)
            record.exc_info = record.exc_text = None
        return True
