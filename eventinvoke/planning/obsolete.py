"""Obsolete: which deliveries no plan wants any more, and why.

Planning cancels what is pending when it plans. Here the same rules are asked of single deliveries: when an
answer comes, before a try is repeated, before a miss brings them forward, and of what waits at a provider.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common.states import State
from eventinvoke.models import Answer, Delivery
from eventinvoke.planning.desired import due_at
from eventinvoke.planning.settlement import Said, settled_by, settles
from eventinvoke.planning.twins import meeting_of, said_about_meetings
from eventinvoke.planning.wants import Want, steps_by_plan, wants_of
from registration.models import Registration, Step

Origin = Delivery.Origin
CANCELED: Final = "The event was canceled."
MOVED: Final = "The event or the plan has moved."
DELETED: Final = "The registration was deleted."
OFF: Final = "The registration was switched off or declined."
TARGET: Final = "The contact method is deleted, disabled or not verified."
ACCOUNT: Final = "The member's account is deleted or switched off."
ORIGINS: Final = frozenset({Origin.CHANGE, Origin.CANCELED})
"""Change notices: they tell of the event itself, which no plan can give up."""
APART: Final = frozenset({Origin.DIGEST, Origin.DIRECT})
"""Asked for by no plan, so that no plan can give them up."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What some deliveries refer to."""

    wants: Mapping[int, Sequence[Want]]
    plans: Mapping[int, Registration]
    steps: Mapping[int, Sequence[Step]]
    said: Mapping[int, Sequence[Said]]
    """Settling answers about the meeting, by event."""


def unwanted(pks: Collection[int]) -> dict[int, str]:
    """Return which of some deliveries are wanted by no plan, each with the reason; seven queries at most."""
    if not pks:
        return {}
    rows = list(
        Delivery.objects.filter(pk__any_of=list(pks)).select_related("event", "member__user", "target")
    )
    return _reasons(rows, wants_of([row.pk for row in rows]))


def why_not_wanted(row: Delivery, wants: Sequence[Want]) -> str:
    """Return why the plans that want a delivery would give it up at once, or "". It is not stored yet."""
    return _reasons([row], {row.pk: wants}).get(row.pk, "")


def _reasons(rows: Sequence[Delivery], wants: Mapping[int, Sequence[Want]]) -> dict[int, str]:
    plans = {want.registration_id for some in wants.values() for want in some}
    facts = _Facts(
        wants,
        Registration.objects.select_related("member__user").in_bulk(plans),
        steps_by_plan(plans),
        said_about_meetings(list({row.event_id: row.event for row in rows}.values())),
    )
    found = {row.pk: _why(row, facts) for row in rows}
    return {pk: why for pk, why in found.items() if why}


def _why(row: Delivery, facts: _Facts) -> str:
    if row.member is None or not row.member.user.is_active:
        return ACCOUNT
    if row.target is None or not row.target.is_usable:
        return TARGET
    if row.origin in APART:
        return ""
    stale = _why_stale(row)
    return stale if stale or row.origin in ORIGINS else _why_no_plan(row, facts)


def _why_stale(row: Delivery) -> str:
    """Return why a delivery is not about what its event is now, or ""."""
    is_canceled = row.event.canceled_at is not None
    if row.origin == Origin.CANCELED:
        return "" if is_canceled else "The event takes place after all."
    if is_canceled:
        return CANCELED
    return "" if row.starts_at == row.event.starts_at else MOVED


def _why_no_plan(row: Delivery, facts: _Facts) -> str:
    """Return "" while one plan wants the delivery, else why the first one does not."""
    said = [answer for answer in facts.said.get(row.event_id, ()) if answer.starts_at == row.starts_at]
    wants = facts.wants.get(row.pk, ())
    if not wants:
        own = next((answer for answer in said if _is_own(answer, row)), None)
        return DELETED if row.origin == Origin.PLAN else own.reason if own else ""
    reasons = [_why_not(row, want, facts, said) for want in wants]
    return "" if "" in reasons else reasons[0]


def _is_own(answer: Said, row: Delivery) -> bool:
    """Say whether an answer of its own member settles a delivery of no plan."""
    is_of_its_kind = answer.kind != Answer.Kind.STOPPED or answer.channel == row.kind
    return answer.member_id == row.member_id and is_of_its_kind


def _why_not(row: Delivery, want: Want, facts: _Facts, said: Sequence[Said]) -> str:
    """Return why a plan does not want a delivery any more, or ""."""
    registration = facts.plans.get(want.registration_id)
    if registration is None:
        return DELETED
    if not (registration.is_in_force and registration.member.user.is_active):
        return OFF
    plan = facts.steps.get(want.registration_id, ())
    step = next((one for one in plan if one.pk == want.step_id), None)
    if row.origin == Origin.PLAN and step is not None:
        if due_at(row.event, registration, step) != row.due_at:
            return MOVED
    elif row.origin == Origin.PLAN and want.step_id is not None:
        return MOVED
    answer = settled_by(_Asked(row, want, step), plan, said)
    return answer.reason if answer is not None else ""


def acknowledgement_of(delivery: Delivery, starts_at: datetime) -> Answer | None:
    """Return the first acknowledgement of a start that settles a delivery, or None."""
    said = Answer.objects.filter(
        event__in=meeting_of(delivery.event), kind=Answer.Kind.CONFIRMED, starts_at=starts_at
    )
    answers = list(said.select_related("delivery", "member").order_by("at", "pk"))
    if not answers:
        return None
    wants = wants_of([delivery.pk])[delivery.pk]
    steps = steps_by_plan(want.registration_id for want in wants)
    asked = []
    for want in wants:
        plan = steps.get(want.registration_id, ())
        step = next((one for one in plan if one.pk == want.step_id), None)
        asked.append((_Asked(delivery, want, step), plan))
    for answer in answers:
        plans = frozenset(want.registration_id for want in wants_of([answer.delivery_id])[answer.delivery_id])
        given = Said(
            answer.kind, answer.member_id, answer.channel, answer.starts_at, answer.member_name, plans
        )
        if answer.member_id == delivery.member_id or any(settles(given, *one) for one in asked):
            return answer
    return None


class _Asked:
    """A delivery as a step of a plan: its own target and condition, in the place of the step that asked for it."""

    def __init__(self, row: Delivery, want: Want, step: Step | None) -> None:
        self.pk = want.step_id
        self.registration_id = want.registration_id
        self.target = row.target
        self.target_id = row.target_id
        self.condition = want.condition
        self.offset = step.offset if step is not None else row.due_at - row.starts_at


def withdraw_settled(pks: Collection[int]) -> dict[int, str]:
    """Cancel those of some pending deliveries that no plan wants any more; return them with the reasons."""
    found = unwanted(pks)
    by_reason: dict[str, list[int]] = {}
    for pk, reason in found.items():
        by_reason.setdefault(reason, []).append(pk)
    for reason, some in by_reason.items():
        Delivery.objects.filter(pk__any_of=some, state=State.PENDING).cancel(reason)
    return found
