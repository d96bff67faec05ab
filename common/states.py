"""The states of a delivery and the only ways between them.

::

    PENDING -> SENDING -> SENT -> DELIVERED -> ACKNOWLEDGED
    PENDING -> SUPPRESSED (quiet hours, daily limit, muted, away) | CANCELED | EXPIRED
    SENDING -> PENDING (try again at next_attempt_at) | FAILED | CANCELED | EXPIRED
    SENT    -> UNDELIVERED (busy, no answer, voicemail, bounced) | CANCELED (queued, never dialed)
    EXPIRED -> PENDING (a machine's clock was wrong, and the deadline is still ahead)
    evidence of a person moves every state but CANCELED forward to DELIVERED or ACKNOWLEDGED

A callback may overtake the answer to the request that caused it, so everything that SENT leads to
may also follow SENDING. Nothing else goes back.

A state is changed by one conditional UPDATE that names ``before(new)``, never by read and write.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """The state of a delivery. The values are stored in the database."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    UNDELIVERED = "undelivered"
    SUPPRESSED = "suppressed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    FAILED = "failed"


_PERSON: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
"""What the evidence of a person leads to."""

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.PENDING: _PERSON | {State.SENDING, State.SUPPRESSED, State.CANCELED, State.EXPIRED, State.FAILED},
    State.SENDING: _PERSON
    | {State.PENDING, State.SENT, State.UNDELIVERED, State.FAILED, State.CANCELED, State.EXPIRED},
    State.SENT: _PERSON | {State.UNDELIVERED, State.CANCELED},
    State.DELIVERED: frozenset({State.ACKNOWLEDGED}),
    State.UNDELIVERED: _PERSON,
    State.ACKNOWLEDGED: frozenset(),
    State.SUPPRESSED: _PERSON,
    State.CANCELED: frozenset(),
    State.EXPIRED: _PERSON | {State.PENDING},
    State.FAILED: _PERSON,
}
"""Every state, and the states that may follow it."""

FINAL: Final = frozenset(
    {
        State.ACKNOWLEDGED,
        State.UNDELIVERED,
        State.SUPPRESSED,
        State.CANCELED,
        State.EXPIRED,
        State.FAILED,
    }
)
"""The states that nothing follows but the evidence of a person."""

REACHED: Final = _PERSON
"""The states in which we may say that a person was reached."""

ARRIVED: Final = _PERSON | {State.SENT}
"""A provider took the message, and nothing says that the person did not get it."""

TELLING: Final = ARRIVED | {State.SENDING}
"""It told, or is telling now: another message about the same would tell twice."""

CARRIED_OUT: Final = TELLING | {State.UNDELIVERED}
"""The step was tried to its end or is being tried: it is not planned again for the same start."""

MISSED: Final = frozenset({State.UNDELIVERED, State.FAILED})
"""The states that mean that a person was not reached, so that the next step is brought forward."""


def may_follow(old: State, new: State) -> bool:
    """Say whether a delivery may go from ``old`` to ``new``."""
    return new in TRANSITIONS[old]


def before(new: State) -> list[str]:
    """Return the values of the states that may come before ``new``, for a conditional UPDATE."""
    return sorted(old.value for old, following in TRANSITIONS.items() if new in following)
