"""The outcome of a call or a message, derived from Twilio's answer to the request that creates it.

Creating calls and messages is not idempotent, and Twilio has no key for it. An answer that leaves open
whether one was created is ``UNKNOWN``, and Twilio is asked (``asking``) before anything is sent again: no
answer, an answer that is no JSON, and also a status of 5xx, which a gateway may give for a request that
was carried out behind it.
"""

import re
from typing import Final

from common.channels import Message, Outcome, SendResult
from common.http import Failure, Reply
from eventinvoke.providers.twilio.codes import REFUSALS
from eventinvoke.providers.twilio.rest import content

_SID: Final = re.compile(r"(?:CA|SM|MM)[0-9a-f]{32}")
_GARBAGE: Final = "Twilio's answer makes no sense; it will be asked what it did."
_FAILURES: Final = {
    Failure.NOT_SENT: Outcome.RETRY,
    Failure.UNKNOWN: Outcome.UNKNOWN,
    Failure.PRIVATE: Outcome.MISCONFIGURED,
}
_STATUSES: Final = {
    401: (Outcome.MISCONFIGURED, "Twilio does not accept our account or token."),
    403: (Outcome.MISCONFIGURED, "The Twilio account may not do this."),
    404: (Outcome.MISCONFIGURED, "Twilio knows no such account at TWILIO_API_URL."),
    408: (Outcome.UNKNOWN, "Twilio got our request too slowly; it will be asked what it did."),
    429: (Outcome.RETRY, "Twilio gets too many requests from us."),
}


def is_success(reply: Reply) -> bool:
    """Say whether a complete answer with a status of success came."""
    return reply.error is None and 200 <= reply.status < 300  # noqa: PLR2004 - RFC 9110, 15.3


def result(message: Message, reply: Reply) -> SendResult:
    """Return the outcome for a message."""
    if reply.error is not None:
        return SendResult(message, _FAILURES[reply.error], reason=f"Twilio was not reached: {reply.reason}.")
    if is_success(reply):
        sid = content(reply).get("sid")
        if isinstance(sid, str) and _SID.fullmatch(sid):
            return SendResult(message, Outcome.ACCEPTED, sid)
        return SendResult(message, Outcome.UNKNOWN, reason=_GARBAGE)
    outcome, reason = _refusal(reply)
    return SendResult(message, outcome, reason=reason, retry_after=reply.retry_after)


def trouble(reply: Reply) -> str:
    """Return why a request that reads something got no answer that can be used."""
    if reply.error is not None:
        return f"Twilio was not reached: {reply.reason}."
    return _refusal(reply)[1]


def _refusal(reply: Reply) -> tuple[Outcome, str]:
    status = reply.status
    if not 400 <= status < 500:  # noqa: PLR2004 - RFC 9110, 15.5
        return Outcome.UNKNOWN, f"Twilio has trouble (status {status}); it will be asked what it did."
    code = content(reply).get("code")
    if isinstance(code, int) and code in REFUSALS:
        return REFUSALS[code]
    if status in _STATUSES:
        return _STATUSES[status]
    return Outcome.REJECTED, f"Twilio refuses it (error {code if isinstance(code, int) else status})."
