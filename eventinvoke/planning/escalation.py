"""Going on to the next step when somebody was not reached."""

from collections.abc import Iterable
from dataclasses import dataclass

from common.clock import now
from eventinvoke.models import Delivery
from eventinvoke.planning.obsolete import unwanted
from registration.models import Step


@dataclass(frozen=True, slots=True)
class Miss:
    """A delivery that did not reach its target, and will not."""

    delivery_id: int
    event_id: int
    registration_id: int | None
    target_id: int
    member_id: int | None = None
    """Given when nothing more to this member may come forward: who is away."""


def bring_forward(misses: Iterable[Miss]) -> int:
    """Carry out at once the next step of each plan that just missed somebody; return how many.

    The next step is the earliest that is pending, waits for a confirmation and goes to another
    target (to another member, where that one is away): dialling a busy line again at once would help
    nobody. It keeps its ``due_at``. What nobody wants any more (the event was moved meanwhile) brings
    nothing forward.
    """
    missed = {(m.event_id, m.registration_id): m for m in misses if m.registration_id is not None}
    if not missed:
        return 0
    instant = now()
    waiting = (
        Delivery.objects.pending()
        .filter(event__in={event for event, _ in missed}, registration__in={plan for _, plan in missed})
        .filter(
            condition=Step.Condition.UNCONFIRMED, attempts=0, next_attempt_at__gt=instant, is_snooze=False
        )
        .order_by("-due_at", "-pk")
    )
    first: dict[int, int] = {}
    columns = ("pk", "event_id", "registration_id", "target_id", "member_id")
    for pk, event, plan, target, member in waiting.values_list(*columns):
        miss = missed.get((event, plan))
        if miss is not None and miss.target_id != target and miss.member_id != member:
            first[miss.delivery_id] = pk
    # A call about the time that an event once had says nothing of the steps to the new one.
    for pk in unwanted(first):
        del first[pk]
    return Delivery.objects.pending().filter(pk__in=first.values()).update(next_attempt_at=instant)
