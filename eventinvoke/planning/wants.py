"""Wants: which plans want which deliveries, as stored: the first plan in the delivery, further ones as shares."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.db.models import F

from eventinvoke.models import Answer, Delivery, Share
from eventinvoke.planning.settlement import COLUMNS, SETTLING, Said
from registration.models import Step


class Want(NamedTuple):
    """One plan that wants one delivery."""

    delivery_id: int
    registration_id: int
    step_id: int | None
    condition: str


def wants_of(pks: Collection[int]) -> dict[int, list[Want]]:
    """Return the plans that want some deliveries, by delivery, the first plan first. Two queries."""
    found: dict[int, list[Want]] = defaultdict(list)
    if not pks:
        return found
    firsts = Delivery.objects.filter(pk__any_of=list(pks), registration__isnull=False)
    for row in firsts.values_list("pk", "registration_id", "step_id", "condition"):
        found[row[0]].append(Want(*row))
    for want in shares_of(pks):
        found[want.delivery_id].append(want)
    return found


def shares_of(pks: Collection[int]) -> list[Want]:
    """Return the further plans that want some deliveries. One query."""
    rows = Share.objects.filter(delivery__pk__any_of=list(pks)).order_by("pk")
    return [Want(*row) for row in rows.values_list("delivery_id", "registration_id", "step_id", "condition")]


def steps_by_plan(registrations: Iterable[int]) -> dict[int, list[Step]]:
    """Return the steps of some plans in their order, with their targets. One query.

    ``tells_active`` says of each whether its member's account is switched on.
    """
    found: dict[int, list[Step]] = defaultdict(list)
    pks = set(registrations)
    if pks:
        steps = Step.objects.filter(registration__pk__any_of=list(pks)).select_related("target__member")
        steps = steps.defer("target__address", "target__config")  # planning has no use for what is encrypted
        is_active = F("target__member__user__is_active")
        for step in steps.annotate(tells_active=is_active).order_by("offset", "pk"):
            found[step.registration_id].append(step)
    return found


def said_about(events: Collection[int]) -> dict[int, list[Said]]:
    """Return the settling answers about some events, by event, for any start; one query, two where there are some."""
    found: dict[int, list[Said]] = defaultdict(list)
    if events:
        rows = Answer.objects.filter(event__pk__any_of=list(events), kind__in=SETTLING).order_by("at", "pk")
        named = list(rows.values_list("event_id", "delivery_id", "delivery__registration_id", *COLUMNS))
        plans: dict[int, set[int]] = defaultdict(set)
        for want in shares_of({row[1] for row in named}) if named else ():
            plans[want.delivery_id].add(want.registration_id)
        for event_id, delivery_id, plan, *columns in named:
            asked = frozenset(pk for pk in (plan, *plans[delivery_id]) if pk is not None)
            found[event_id].append(Said(*columns)._replace(plans=asked))
    return found


def promote_shares(pks: Sequence[int]) -> set[int]:
    """Make the first share of each of some deliveries their first plan; return the deliveries that had one.

    Called for deliveries whose first plan no longer wants them.
    """
    promoted: dict[int, Want] = {}
    for want in shares_of(pks):
        promoted.setdefault(want.delivery_id, want)
    for want in promoted.values():
        Delivery.objects.filter(pk=want.delivery_id).update(
            registration=want.registration_id, step=want.step_id, condition=want.condition
        )
        Share.objects.filter(delivery=want.delivery_id, registration=want.registration_id).delete()
    return set(promoted)
