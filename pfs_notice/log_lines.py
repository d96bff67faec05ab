"""What is shortened in the log."""

import logging
from typing import Final

_LOST_BROKER: Final = "Message Error"


class LostBrokerFilter(logging.Filter):
    """Says in one line what the beat says in two hundred each second while the broker is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the two stacks away, and keep the sentence; every record is kept."""
        if record.name == "celery.beat" and str(record.msg).startswith(_LOST_BROKER):
            said = record.args[0] if isinstance(record.args, tuple) and record.args else record.msg
            record.msg, record.args = "%s It is tried again in a moment.", (said,)
            record.exc_info = record.exc_text = None
        return True
