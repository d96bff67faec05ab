"""What the reference keeps: notices, the messages that came of them, and answers."""

from dataclasses import dataclass
from typing import Final

from common.states import REACHED, State
from tests.model.world import Behaviour, Event, Member, Plan, Step, Target

HOUR: Final = 60
LATE: Final = 5
"""Minutes: what is overdue by less is carried out all the same."""
OFF: Final = "switched off"
TOGETHER: Final = "told together with a later step"
TOLD: Final = frozenset({State.SENT, *REACHED})
SAID_WHEN_ASKED: Final = {Behaviour.ANSWERED: State.DELIVERED, Behaviour.ENGAGED: State.UNDELIVERED}
"""What the provider of a call says after three minutes."""
TAKEN: Final = SAID_WHEN_ASKED.keys() | {
    Behaviour.FINE, Behaviour.ACCEPTED, Behaviour.UNKNOWN, Behaviour.KILLED_AFTER
}  # fmt: skip
ENDED: Final = frozenset({State.CANCELED, State.ACKNOWLEDGED})


@dataclass(eq=False)
class Notice:
    """What one plan wants to tell by one target about one start of one event."""

    event: Event
    start: float
    target: Target
    due: float
    plan: Plan | None = None
    step: Step | None = None
    origin: str = "plan"
    """Or "snooze", "redial" (both of a plan's notice), "change" (of no plan)."""
    parent: "Notice | None" = None
    is_of_cancellation: bool = False
    state: State = State.PENDING
    reason: str = ""
    next_at: float = 0
    tries: int = 0
    told_at: float | None = None
    is_missed: bool = False
    receipt_by: float | None = None
    says: State | None = None
    """What its provider says when it is asked at ``receipt_by``; None of a push, whose receipt is missing then."""

    @property
    def deadline(self) -> float:
        """Return after when it is not sent any more: a step before the start is worth an hour after it at most."""
        if self.parent is not None:
            return self.parent.deadline
        is_before = self.origin == "plan" and self.due <= self.start
        length = min(self.event.length, HOUR) if is_before else self.event.length
        return max(self.start + length, self.due + LATE)

    @property
    def meeting(self) -> tuple[str, float]:
        """Return what the same meeting in several calendars has in common."""
        return self.event.title.casefold(), self.start

    @property
    def is_current(self) -> bool:
        """Say whether the event still takes place at this start."""
        return self.start == self.event.start and not self.event.is_canceled

    @property
    def is_pending(self) -> bool:
        """Say whether it waits to be sent, for the first time or again."""
        return self.state == State.PENDING

    def is_beside(self, other: "Notice") -> bool:
        """Say whether it is of the same plan, event and start."""
        return (self.plan, self.event, self.start) == (other.plan, other.event, other.start)

    def is_almost(self, other: "Notice") -> bool:
        """Say whether it has told the same step of a start less than ``LATE`` away, in any calendar: that is not repeated."""
        is_same = (self.plan, self.step, self.meeting[0]) == (other.plan, other.step, other.meeting[0])
        return is_same and self.told_at is not None and 0 < abs(self.start - other.start) < LATE

    @property
    def is_off(self) -> bool:
        """Say whether its target can't be told now."""
        return not (self.target.is_on and self.target.member.is_on)

    @property
    def has_moved_on(self) -> bool:
        """Say whether its plan went on for good: what a target missed while it was disabled, it may still be told."""
        return self.is_missed and self.reason != OFF

    @property
    def has_told(self) -> bool:
        """Say whether its member was told; a call that a provider accepted may still wait in its queue."""
        return self.state in (REACHED if self.target.kind == "call" else TOLD)

    def is_due(self, at: float) -> bool:
        """Say whether it waits to be sent now."""
        return self.is_pending and self.next_at <= at

    def is_ahead(self, at: float) -> bool:
        """Say whether it is a step that may be brought forward: one that is due now goes out anyway."""
        is_asking = self.step is not None and not self.step.is_always
        return is_asking and self.is_pending and self.tries == 0 and self.next_at > at

    def is_silent(self, at: float) -> bool:
        """Say whether its receipt should have come by now."""
        return self.state == State.SENT and self.receipt_by is not None and self.receipt_by <= at

    @property
    def told_order(self) -> tuple[float, bool, tuple[int, int]]:
        """Return its place among what was told: a change notice tells after the steps of the same moment."""
        return self.told_at or 0, self.origin == "change", self.order

    def is_known(self, mine: list["Notice"], start: float, *, is_off: bool) -> bool:
        """Say whether it, which told a member last, told of an event as it is now, or a call under way tells of that."""
        is_told = self.is_of_cancellation == is_off and (is_off or self.start == start)
        under_way = [n for n in mine if n.origin == "change" and n.state == State.SENT]
        return is_told or any((n.start, n.is_of_cancellation) == (start, is_off) for n in under_way)

    @property
    def order(self) -> tuple[int, int]:
        """Return its place in the plan."""
        return (self.step.offset, self.step.number) if self.step else (0, 0)

    @property
    def is_holdable(self) -> bool:
        """Say whether quiet hours and mutes may hold it back; the member asked for a snooze at this very time."""
        return self.target.kind != "inbox" and not self.event.is_critical and self.origin != "snooze"


@dataclass(eq=False)
class Told:
    """One message that a provider took, and the notices that it served."""

    at: float
    title: str
    start: float
    target: Target
    notices: list[Notice]


@dataclass(frozen=True)
class Said:
    """One answer: "acknowledge" or "stop", about which meeting, by which kind of channel."""

    kind: str
    member: Member
    meeting: tuple[str, float]
    by: str


def hears(kind: str, does: Behaviour, state: State, now: float) -> tuple[float | None, State | None]:
    """Return when the engine looks after what was sent, and what it is told then."""
    if state != State.SENT or kind not in {"push", "call"}:
        return None, None
    return (now + 1, None) if kind == "push" else (now + 3, SAID_WHEN_ASKED.get(does))


def becomes(kind: str, does: Behaviour) -> tuple[State, float]:
    """Return the state after a try, and after how many minutes the next one is due where it is pending."""
    is_call = kind == "call"
    does = does if is_call or does not in SAID_WHEN_ASKED else Behaviour.FINE
    is_sent = does in SAID_WHEN_ASKED or (is_call and does in {Behaviour.FINE, Behaviour.UNKNOWN})
    if does == Behaviour.ACCEPTED or is_sent:
        return State.SENT, 0
    if does in {Behaviour.KILLED, Behaviour.KILLED_AFTER}:
        # The lease runs out. A push is sent again and replaces the first; the provider of a call is asked.
        return State.SENT if is_call and does == Behaviour.KILLED_AFTER else State.PENDING, 1
    if does in {Behaviour.REJECTED, Behaviour.GONE}:
        return State.FAILED, 0
    return State.DELIVERED if does == Behaviour.FINE else State.PENDING, 14 if does == Behaviour.LATER else 0
