"""What Twilio's words mean, in one place for calls and one for messages.

https://www.twilio.com/docs/voice/api/call-resource#call-status-values
https://www.twilio.com/docs/voice/answering-machine-detection
https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

from dataclasses import dataclass
from typing import Final

from common.states import State
from eventinvoke.providers.twilio.codes import MISHAPS


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word means for a delivery."""

    means: State | None
    """The state that it brings the delivery to; None for nothing."""
    reason: str = ""
    """Why the person was not reached."""
    may_redial: bool = False
    """Whether calling again may help."""


# Progress of a call or message says that Twilio accepted it. Usually that is known already; if the answer to
# its creation was lost, this shows it, and which call belongs to which try.
_TAKEN: Final = Meaning(State.SENT)

CALLS: Final = {
    "queued": _TAKEN,
    "initiated": _TAKEN,
    "ringing": _TAKEN,
    "in-progress": _TAKEN,
    # A call to a voicemail, and one that is hung up at once, end in the same way as a conversation. Evidence of
    # a person (a key, the detection) has moved the delivery to DELIVERED before, and stays.
    "completed": Meaning(State.UNDELIVERED, "The call ended without a key being pressed."),
    "busy": Meaning(State.UNDELIVERED, "The line was busy.", may_redial=True),
    "no-answer": Meaning(State.UNDELIVERED, "No answer.", may_redial=True),
    "failed": Meaning(State.UNDELIVERED, "The call could not be put through."),
    "canceled": Meaning(State.UNDELIVERED, "The call was taken back before anybody answered."),
}

VOICEMAIL: Final = Meaning(State.UNDELIVERED, "A voicemail answered.")
ANSWERED_BY: Final = {
    "human": Meaning(State.DELIVERED),
    "machine_start": VOICEMAIL,
    "machine_end_beep": VOICEMAIL,
    "machine_end_silence": VOICEMAIL,
    "machine_end_other": VOICEMAIL,
    "fax": Meaning(State.UNDELIVERED, "A fax machine answered."),
}
"""Who is there. "unknown" is not here: it says nothing."""

_NOT_ARRIVED: Final = Meaning(State.UNDELIVERED, "The text message did not arrive.")
MESSAGES: Final = {
    "accepted": _TAKEN,
    "scheduled": _TAKEN,
    "queued": _TAKEN,
    "sending": _TAKEN,
    "sent": _TAKEN,
    "delivered": Meaning(State.DELIVERED),
    "read": Meaning(State.DELIVERED),
    "undelivered": _NOT_ARRIVED,
    "failed": _NOT_ARRIVED,
    "canceled": _NOT_ARRIVED,
}
_NOTHING: Final = Meaning(None)


def of_call(status: str, answered_by: str) -> Meaning:
    """Return what a callback about a call means; who answered says more than how the call goes."""
    return ANSWERED_BY.get(answered_by) or CALLS.get(status, _NOTHING)


def of_message(status: str, error_code: int | None) -> Meaning:
    """Return what a callback about a text message means."""
    meaning = MESSAGES.get(status, _NOTHING)
    if meaning is not _NOT_ARRIVED or error_code is None:
        return meaning
    sentence = MISHAPS.get(error_code, f"{meaning.reason} (Twilio's error {error_code})")
    return Meaning(meaning.means, sentence)
