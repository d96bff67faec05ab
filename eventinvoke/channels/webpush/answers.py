"""What a push service's answer means (RFC 8030; the codes that real services give)."""

import logging
from typing import Final

from common.channels import Message, Outcome, SendResult
from common.http import Failure, Reply

logger = logging.getLogger(__name__)

_FAILURES: Final = {
    Failure.NOT_SENT: Outcome.RETRY,
    # Perhaps it arrived. A second one replaces it, as both have the same tag and topic.
    Failure.UNKNOWN: Outcome.UNKNOWN,
    Failure.PRIVATE: Outcome.REJECTED,
}
_ANSWERS: Final = {
    400: (Outcome.REJECTED, "The push service does not understand the message."),
    401: (Outcome.MISCONFIGURED, "The push service does not accept our VAPID key."),
    403: (Outcome.MISCONFIGURED, "The push service does not accept our VAPID key for this browser."),
    404: (Outcome.GONE, "The browser's subscription does not exist any more."),
    408: (Outcome.RETRY, "The push service got our message too slowly."),
    410: (Outcome.GONE, "The browser has ended its subscription."),
    413: (Outcome.REJECTED, "The message is too large for the push service."),
    425: (Outcome.RETRY, "The push service wants the message later."),
    429: (Outcome.RETRY, "The push service gets too many messages from us."),
}
_TOO_LARGE: Final = 413
_MAX_PROVIDER_ID: Final = 255


def result(message: Message, reply: Reply) -> SendResult:
    """Return what became of a message, by the push service's answer."""
    if reply.error is not None:
        return SendResult(
            message, _FAILURES[reply.error], reason=f"The push service was not reached: {reply.reason}."
        )
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - every status of success; services give 200, 201 and 202
        location = reply.header
        return SendResult(message, Outcome.ACCEPTED, location if len(location) <= _MAX_PROVIDER_ID else "")
    outcome, reason = _ANSWERS.get(status) or _other(status)
    if status == _TOO_LARGE:
        logger.error("A push service refuses a message of ours as too large: %s", message.process_id)
    return SendResult(message, outcome, reason=reason, retry_after=reply.retry_after)


def _other(status: int) -> tuple[Outcome, str]:
    if 400 <= status < 500:  # noqa: PLR2004 - the other statuses that blame the sender
        return Outcome.REJECTED, f"The push service refuses the message (status {status})."
    return Outcome.RETRY, f"The push service has trouble (status {status})."
