"""What a push service's answer means (RFC 8030; the codes and words that real services give).

Apple answers with ``{"reason": "BadJwtToken"}``, Mozilla with ``{"errno": 109, "message": "..."}``, Google with a line
of text, and Microsoft (WNS) with headers:
https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers,
https://mozilla-push-service.readthedocs.io/en/latest/errors/,
https://learn.microsoft.com/en-us/windows/apps/design/shell/tiles-and-notifications/push-request-response-headers.
"""

import json
import logging
from typing import Final

from common.channels import Message, Outcome, SendResult
from common.http import Failure, Reply

logger = logging.getLogger(__name__)

WANTED_HEADERS: Final = frozenset(
    {
        b"location",
        b"x-wns-status",
        b"x-wns-notificationstatus",
        b"x-wns-error-description",
        b"x-wns-deviceconnectionstatus",
    }
)
TOO_LARGE: Final = 413
_FAILURES: Final = {
    Failure.NOT_SENT: Outcome.RETRY,
    # Perhaps it arrived. A second one replaces it, as both have the same tag and topic.
    Failure.UNKNOWN: Outcome.UNKNOWN,
    Failure.PRIVATE: Outcome.REJECTED,
}
_TOO_MANY: Final = (Outcome.RETRY, "The push service gets too many messages from us.")
_OTHER_KEY: Final = (
    Outcome.MISCONFIGURED,
    "The browser is bound to another key of this server. Open the panel in it: it subscribes again.",
)
_BAD_TOKEN: Final = (
    Outcome.MISCONFIGURED,
    "The push service does not accept our signature: check the VAPID key, its subject and the clock.",
)
_ANSWERS: Final = {
    400: (Outcome.REJECTED, "The push service does not understand the message."),
    401: (Outcome.MISCONFIGURED, "The push service does not accept our VAPID key."),
    403: (Outcome.MISCONFIGURED, "The push service does not accept our VAPID key for this browser."),
    404: (Outcome.GONE, "The browser's subscription does not exist any more."),
    # WNS says so of a rate limit; the others never do.
    406: _TOO_MANY,
    408: (Outcome.RETRY, "The push service got our message too slowly."),
    410: (Outcome.GONE, "The browser has ended its subscription."),
    413: (Outcome.REJECTED, "The message is too large for the push service."),
    425: (Outcome.RETRY, "The push service wants the message later."),
    429: _TOO_MANY,
}
_KEY_STATUSES: Final = frozenset({400, 401, 403})
_WORDS: Final = (
    # Apple, Mozilla, and Google: the key is not the one that the browser subscribed with.
    ("vapidpkhashmismatch", _OTHER_KEY),
    ("public key mismatch", _OTHER_KEY),
    ("do not correspond", _OTHER_KEY),
    # Apple: BadJwtToken, ExpiredJwtToken; Google: "invalid JWT provided".
    ("jwt", _BAD_TOKEN),
)
"""What a service says of 400, 401 or 403, in lower case, and what it means."""
_WNS_STATUSES: Final = ("x-wns-status", "x-wns-notificationstatus")
_MAX_WORD: Final = 150
_MAX_PROVIDER_ID: Final = 255


def result(message: Message, reply: Reply) -> SendResult:
    """Return what became of a message, by the push service's answer."""
    if reply.error is not None:
        return SendResult(
            message, _FAILURES[reply.error], reason=f"The push service was not reached: {reply.reason}."
        )
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - every status of success; services give 200, 201 and 202
        return _taken(message, reply)
    word = _word_of(reply)
    outcome, reason = _meaning(status, word)
    if status == TOO_LARGE:
        logger.error("A push service refuses a message of ours as too large: %s", message.tag)
    if word:
        reason = f"{reason} It says: “{word}”."
    return SendResult(message, outcome, reason=reason, retry_after=reply.retry_after)


def _taken(message: Message, reply: Reply) -> SendResult:
    """Return what a status of success means: WNS may say in a header that it did not take the message."""
    for name in _WNS_STATUSES:
        word = reply.headers.get(name, "").lower()
        if word == "channelthrottled":
            outcome, reason = _TOO_MANY
            return SendResult(message, outcome, reason=f"{reason} It says: “{name}: {word}”.")
        if word == "dropped":
            reason = f"The push service dropped the message. It says: “{name}: {word}”."
            return SendResult(message, Outcome.REJECTED, reason=reason)
    location = reply.headers.get("location", "")
    return SendResult(message, Outcome.ACCEPTED, location if len(location) <= _MAX_PROVIDER_ID else "")


def _meaning(status: int, word: str) -> tuple[Outcome, str]:
    if status in _KEY_STATUSES:
        said = word.lower()
        for part, meaning in _WORDS:
            if part in said:
                return meaning
    if status in _ANSWERS:
        return _ANSWERS[status]
    if 400 <= status < 500:  # noqa: PLR2004 - the other statuses that blame the sender
        return Outcome.REJECTED, f"The push service refuses the message (status {status})."
    return Outcome.RETRY, f"The push service has trouble (status {status})."


def _word_of(reply: Reply) -> str:
    """Return the service's own word for why, one line of at most ``_MAX_WORD`` characters; "" if it gives none."""
    for name in ("x-wns-error-description", *_WNS_STATUSES):
        if reply.headers.get(name):
            return _plain(f"{name}: {reply.headers[name]}")
    text = reply.body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "" if "<" in text else _plain(text)
    if isinstance(found, dict):
        for name in ("reason", "message", "error"):
            if isinstance(found.get(name), str):
                return _plain(found[name])
    return ""


def _plain(text: str) -> str:
    text = " ".join(text.replace("<", " ").split())
    return "".join(c for c in text if c.isprintable())[:_MAX_WORD].rstrip(" .")
