"""The states of a delivery and the only ways between them.

::

    PENDING -> SENDING -> SENT -> DELIVERED -> ACKNOWLEDGED
    PENDING -> SUPPRESSED (quiet hours, daily limit, muted) | CANCELED | EXPIRED
    SENDING -> PENDING (try again at next_attempt_at) | FAILED | CANCELED | EXPIRED
    SENT    -> UNDELIVERED (busy, no answer, voicemail, bounced) | CANCELED (queued, never dialled)

A callback may arrive before the answer to the request that caused it, so every state that follows SENT may
also follow SENDING. An acknowledgement by a person counts more than the report of a provider:
ACKNOWLEDGED follows UNDELIVERED too. No other state goes back.

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


TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.PENDING: frozenset({State.SENDING, State.SUPPRESSED, State.CANCELED, State.EXPIRED}),
    State.SENDING: frozenset(
        {
            State.PENDING,
            State.SENT,
            State.DELIVERED,
            State.ACKNOWLEDGED,
            State.UNDELIVERED,
            State.FAILED,
            State.CANCELED,
            State.EXPIRED,
        }
    ),
    State.SENT: frozenset({State.DELIVERED, State.ACKNOWLEDGED, State.UNDELIVERED, State.CANCELED}),
    State.DELIVERED: frozenset({State.ACKNOWLEDGED}),
    State.UNDELIVERED: frozenset({State.ACKNOWLEDGED}),
    State.ACKNOWLEDGED: frozenset(),
    State.SUPPRESSED: frozenset(),
    State.CANCELED: frozenset(),
    State.EXPIRED: frozenset(),
    State.FAILED: frozenset(),
}
"""Every state, and the states that may follow it."""

FINAL: Final = frozenset(state for state, following in TRANSITIONS.items() if not following)
"""The final states."""

REACHED: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
"""The states that mean that a person was reached."""

MISSED: Final = frozenset({State.UNDELIVERED, State.FAILED})
"""The states that mean that a person was not reached, so that the next step is brought forward."""


def may_follow(old: State, new: State) -> bool:
    """Say whether a delivery may go from ``old`` to ``new``."""
    return new in TRANSITIONS[old]


def before(new: State) -> list[str]:
    """Return the values of the states that may come before ``new``, for a conditional UPDATE."""
    return sorted(old.value for old, following in TRANSITIONS.items() if new in following)
