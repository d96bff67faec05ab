"""Whether somebody still wants what is already on its way.

Planning touches what is pending and nothing else. What a worker had claimed when its event moved, was
canceled or confirmed is looked at here: before it is tried again, before it is taken back from the
provider, and before a miss of it brings the next step forward.
"""

from collections.abc import Collection

from eventinvoke.models import Answer, Delivery
from eventinvoke.planning.desired import due_at
from eventinvoke.planning.matching import SUMMARY_SOURCE
from registration.models import Step


def unwanted(pks: Collection[int]) -> dict[int, str]:
    """Return which of some deliveries nobody wants any more, each with the reason; three queries at most."""
    if not pks:
        return {}
    rows = Delivery.objects.filter(pk__any_of=list(pks)).select_related(
        "event", "step", "registration__member"
    )
    found = {row.pk: _why(row) for row in rows.prefetch_related("event__answers__delivery")}
    return {pk: why for pk, why in found.items() if why}


def _why(row: Delivery) -> str:
    if row.event.canceled_at is not None:
        return "The event was canceled."
    if row.registration is None and not row.is_snooze:
        return "The registration was deleted."
    is_off = row.registration is not None and not row.registration.is_in_force
    # The summary of a mute that was switched off is told all the same.
    if is_off and row.event.source != SUMMARY_SOURCE:
        return "The registration was switched off or declined."
    if _has_moved(row):
        return "The event or the plan has moved."
    return next(filter(None, (_settles(answer, row) for answer in row.event.answers.all())), "")


def _settles(answer: Answer, row: Delivery) -> str:
    """Return why an answer makes a delivery needless, or ""."""
    if answer.starts_at != row.event.starts_at:
        return ""
    is_own = answer.member_id == row.member_id
    if answer.kind == Answer.Kind.STOPPED and is_own and answer.delivery.kind == row.kind:
        return "The member asked not to be told about this any more in this way."
    if row.condition == Step.Condition.ALWAYS or answer.kind != Answer.Kind.CONFIRMED:
        return ""
    concerns = is_own or answer.delivery.registration_id == row.registration_id
    return "Somebody has confirmed it meanwhile." if concerns else ""


def _has_moved(row: Delivery) -> bool:
    if row.is_snooze or row.step is None or row.registration is None:
        return False
    return row.due_at != due_at(row.event, row.registration, row.step)
