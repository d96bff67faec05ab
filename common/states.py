"""The states of a delivery and the only ways between them.

::

    PENDING -> SENDING -> SENT -> DELIVERED -> ACKNOWLEDGED
    PENDING -> SUPPRESSED (quiet hours, daily limit, muted) | CANCELED | EXPIRED
    SENDING -> PENDING (try again at next_attempt_at) | FAILED | CANCELED | EXPIRED
    SENT    -> UNDELIVERED (busy, no answer, voicemail, bounced) | CANCELED (queued, never dialled)

A callback may overtake the answer to the request that caused it, so everything that SENT leads to
may also follow SENDING. A person who confirms settles the matter, whatever a provider said before:
ACKNOWLEDGED follows UNDELIVERED too. Nothing else goes back.

A state is changed by one conditional UPDATE that names ``before(new)``, never by read and write.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a delivery stands. The values are what the database holds."""

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
"""The states that nothing follows."""

REACHED: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
"""The states in which we may say that a person was reached."""

MISSED: Final = frozenset({State.UNDELIVERED, State.FAILED})
"""The states in which a person was not reached, so that the next step comes forward."""


def may_follow(old: State, new: State) -> bool:
    """Say whether a delivery may go from ``old`` to ``new``."""
    return new in TRANSITIONS[old]


def before(new: State) -> list[str]:
    """Return the values of the states that may come before ``new``, for a conditional UPDATE."""
    return sorted(old.value for old, following in TRANSITIONS.items() if new in following)
