"""Settlement: which steps of a plan an answer makes needless. One pure function, asked from everywhere.

An acknowledgement by a member settles the steps that tell this member, every plan that told this member of this
start and, in every other plan, the steps that come after this member's first one: a plan goes on to the next
person only because the one before has not acknowledged. Steps that are always carried out are never settled by it. A stop settles all steps
that tell the member by that kind of channel.

An answer is about the start that the member was told (``Answer.starts_at``); the caller compares it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from common.texts import isolated
from eventinvoke.models import Answer
from registration.models import Step


class TargetLike(Protocol):
    """What settlement and escalation look at of a target."""

    member_id: Any
    kind: Any


class StepLike(Protocol):
    """One step of a plan; steps are in order of ``offset``."""

    pk: Any
    registration_id: Any
    offset: Any
    condition: Any
    target_id: Any
    target: Any


class Said(NamedTuple):
    """An answer as settlement needs it."""

    kind: str
    member_id: int | None
    channel: str
    """The kind of channel of the notice that was answered."""
    starts_at: datetime
    name: str = ""
    """Of the member."""
    plans: frozenset[int] = frozenset()
    """The plans that asked for the notice that was answered."""

    @property
    def reason(self) -> str:
        """Why a step that it settles is not carried out."""
        if self.kind == Answer.Kind.STOPPED:
            return (
                f"{isolated(self.name) or 'The member'} asked to stop notices of this kind about this event."
            )
        return f"{isolated(self.name) or 'A member'} acknowledged."


SETTLING = (Answer.Kind.CONFIRMED, Answer.Kind.STOPPED)
"""The kinds of answers that settle steps."""
COLUMNS = ("kind", "member_id", "channel", "starts_at", "member_name")
"""The columns of ``Said``."""


def settled_by(step: StepLike, plan: Sequence[StepLike], said: Iterable[Said]) -> Said | None:
    """Return the answer that makes a step of a plan needless; None while it is still wanted.

    ``said`` are the answers about the start that the step would tell.
    """
    for answer in said:
        if settles(answer, step, plan):
            return answer
    return None


def settles(answer: Said, step: StepLike, plan: Sequence[StepLike]) -> bool:
    """Say whether an answer makes a step of a plan needless."""
    tells_member = step.target is not None and step.target.member_id == answer.member_id
    if answer.kind == Answer.Kind.STOPPED:
        return bool(tells_member and step.target.kind == answer.channel)
    if answer.kind != Answer.Kind.CONFIRMED or step.condition == Step.Condition.ALWAYS:
        return False
    return (
        bool(tells_member)
        or step.registration_id in answer.plans
        or any(
            earlier.offset <= step.offset
            and earlier.target is not None
            and earlier.target.member_id == answer.member_id
            for earlier in plan
        )
    )
