"""Answers: what a member says to a notice, by a key, a button, a link or in the inbox.

An answer is about the start that the member was told (``starts_at``), wherever it is given. Every answer may come twice (a double
click, a repeated callback) and the second changes nothing.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from celery import current_app
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from kombu.exceptions import OperationalError as BrokerError

from common.channels import Resend, Severity, registry
from common.clock import now
from common.concerned import about
from common.db.retry_transaction import retry_transaction
from common.queues import Queue
from common.states import State, before
from eventinvoke.models import Answer, Delivery, Event, Share, Tally
from eventinvoke.planning import marks
from eventinvoke.planning.escalation import Cause, next_step, waiting_steps
from eventinvoke.planning.obsolete import ORIGINS, unwanted, why_not_wanted, withdraw_settled
from eventinvoke.planning.twins import meeting_of
from eventinvoke.planning.wants import Want, wants_of
from registration.models import Member, Step

log = logging.getLogger(__name__)

SNOOZE: Final = timedelta(minutes=5)
"""The usual time of a snooze."""


@retry_transaction
def acknowledge(delivery: Delivery, way: str, *, starts_at: datetime | None = None) -> bool:
    """Note that the member knows of a start; return False if that was said before.

    Ends what this settles: the member's own steps and those that follow them in every plan, but for
    steps that are always carried out. Closes the member's other open notices of the same start.
    """
    told = starts_at or delivery.starts_at
    with transaction.atomic():
        events = _hold(delivery)
        is_new = _say(delivery, Answer.Kind.CONFIRMED, way, told)
        instant = now()
        means = State.ACKNOWLEDGED if told == delivery.starts_at else State.DELIVERED
        _reach(delivery, means, told, instant)
        closed = _close_others(delivery, events, told, instant)
        withdraw_settled(_concerned(delivery, events, told))
        if closed:
            transaction.on_commit(partial(_close_notifications, closed), robust=True)
    return is_new


@retry_transaction
def snooze(
    delivery: Delivery, way: str, after: timedelta | None = SNOOZE, *, starts_at: datetime | None = None
) -> datetime | None:
    """Tell the member again after a while (None: at the start); return when.

    Returns None when that would be after the notice's deadline, or when it would not go out: the event was
    canceled or moved, an answer has settled the matter, or the member can't be told this way any more. A second
    snooze of a notice keeps the first while that waits. Quiet hours do not hold back what the member asked for.
    """
    told = starts_at or delivery.starts_at
    with transaction.atomic():
        _hold(delivery)
        at = now() + after if after is not None else told
        again, wants = _once_more(delivery, at, told)
        if delivery.state == State.ACKNOWLEDGED or why_not_wanted(again, wants):
            return None
        waiting = _snoozed(delivery).filter(state=State.PENDING).order_by("-due_at").first()
        if waiting is not None:
            return waiting.due_at
        if not now() < at < delivery.deadline_at:
            return None
        _say(delivery, Answer.Kind.SNOOZED, way, told)
        _reach(delivery, State.DELIVERED, told, now())
        again.save(force_insert=True)
        Share.objects.bulk_create(
            Share(
                delivery=again,
                registration_id=want.registration_id,
                step_id=want.step_id,
                condition=want.condition,
            )
            for want in wants[1:]
        )
    return at


def _once_more(delivery: Delivery, at: datetime, told: datetime) -> tuple[Delivery, list[Want]]:
    """Return the delivery of a snooze, not stored, and the plans that want it: those of the snoozed one."""
    again = delivery.follow_up(Delivery.Origin.SNOOZE, at)
    again.starts_at = told
    again.event = Event.objects.get(pk=delivery.event_id)
    if delivery.origin in ORIGINS:
        again.registration_id = again.step_id = None
    wants = wants_of([delivery.pk])[delivery.pk] if again.registration_id is not None else []
    return again, [want._replace(condition=again.condition) for want in wants]


@retry_transaction
def pass_on(delivery: Delivery, way: str, *, starts_at: datetime | None = None) -> Member | None:
    """Tell the next person of each plan now; return the first of them, or None if no one is left.

    A person in quiet hours is passed over unless the notice is critical.
    """
    told = starts_at or delivery.starts_at
    with transaction.atomic():
        _hold(delivery)
        _reach(delivery, State.DELIVERED, told, now())
        following = _following(delivery, told)
        if not following:
            return None
        _say(delivery, Answer.Kind.PASSED_ON, way, told)
        pks = [one.pk for one in following]
        Delivery.objects.pending().filter(pk__in=pks, next_attempt_at__gt=now()).update(next_attempt_at=now())
    return following[0].member


@retry_transaction
def stop(delivery: Delivery, way: str, *, starts_at: datetime | None = None) -> None:
    """Stop telling this member about this event in this way; other ways and people go on."""
    told = starts_at or delivery.starts_at
    with transaction.atomic():
        events = _hold(delivery)
        _say(delivery, Answer.Kind.STOPPED, way, told)
        _reach(delivery, State.DELIVERED, told, now())
        own = Delivery.objects.pending().filter(
            event__in=events, member=delivery.member_id, starts_at=told, event__starts_at=told
        )
        withdraw_settled(own.values_list("pk", flat=True))


def _hold(delivery: Delivery) -> Sequence[int]:
    """Lock the event and its twins against planning, which reads the answers; return their keys."""
    events = sorted(meeting_of(delivery.event))
    list(Event.objects.select_for_update().filter(pk__in=events).order_by("pk").values_list("pk"))
    return events


def _say(delivery: Delivery, kind: Answer.Kind, way: str, told: datetime) -> bool:
    _answer, is_new = Answer.objects.get_or_create(
        delivery=delivery,
        kind=kind,
        starts_at=told,
        defaults={
            "event_id": delivery.event_id,
            "member_id": delivery.member_id,
            "member_name": delivery.recipient or str(delivery.member or ""),
            "channel": delivery.kind,
            "way": way[:20],
        },
    )
    return is_new


def _reach(delivery: Delivery, state: State, told: datetime, instant: datetime) -> None:
    """Bring the delivery that was answered forward; the first time, count that it reached its person.

    A change of which the person is to be told since then is looked for.
    """
    own = Delivery.objects.filter(pk=delivery.pk)
    reached = _move(own, State.DELIVERED, instant)
    if state != State.DELIVERED:
        _move(own, state, instant)
    if reached:
        Tally.objects.note(delivery.kind, {Tally.Topic.REACHED: reached})
        marks.look_again(delivery.pk, told)


def _move(rows: "models.QuerySet[Delivery]", state: State, instant: datetime) -> int:
    """Bring deliveries forward by the evidence of a person; return how many."""
    return rows.filter(state__in=before(state)).update(
        state=state,
        lease_until=None,
        reason="",
        sent_at=Coalesce("sent_at", instant),
        delivered_at=Coalesce("delivered_at", instant),
    )


def _close_others(delivery: Delivery, events: Sequence[int], told: datetime, instant: datetime) -> list[int]:
    """Close the member's other open notices of this start that stand somewhere until they are read; return them."""
    standing = [kind for kind, channel in registry().items() if channel.capabilities.resend == Resend.AGAIN]
    others = Delivery.objects.filter(
        event__in=events,
        member=delivery.member_id,
        starts_at=told,
        kind__in=standing,
        state__in=(State.SENT, State.DELIVERED),
    )
    pks = list(others.values_list("pk", flat=True))
    _move(Delivery.objects.filter(pk__in=pks), State.ACKNOWLEDGED, instant)
    return pks


def _close_notifications(pks: list[int]) -> None:
    """Have a worker close what browsers still show; without a broker an open page does it."""
    try:
        current_app.send_task(
            "eventinvoke.tasks.close_notifications", [pks], queue=str(Queue.FIRE), retry=False
        )
    except BrokerError as error:
        with about(pks):
            log.info("notifications are left to the pages that are open: %s", error)


def _concerned(delivery: Delivery, events: Sequence[int], told: datetime) -> list[int]:
    """Return what is pending and may be settled: the member's own, and that of plans that tell the member."""
    plans = set(Step.objects.filter(target__member=delivery.member_id).values_list("registration", flat=True))
    if delivery.registration_id is not None:
        plans.add(delivery.registration_id)
    # What is about a start that the event no longer has is for planning to move.
    pending = Delivery.objects.pending().filter(event__in=events, starts_at=told, event__starts_at=told)
    found = set(
        pending.filter(Q(member=delivery.member_id) | Q(registration__in=plans)).values_list("pk", flat=True)
    )
    shares = Share.objects.filter(
        registration__in=plans,
        delivery__event__in=events,
        delivery__starts_at=told,
        delivery__event__starts_at=told,
        delivery__state=State.PENDING,
    )
    return sorted(found.union(shares.values_list("delivery_id", flat=True)))


def _snoozed(delivery: Delivery) -> "models.QuerySet[Delivery]":
    return Delivery.objects.filter(
        event=delivery.event_id, target=delivery.target_id, origin=Delivery.Origin.SNOOZE
    )


def _following(delivery: Delivery, told: datetime) -> list[Delivery]:
    """Return the next step to another person of each plan that contains this delivery, less who is in quiet hours."""
    plans = [(delivery.event_id, want.registration_id) for want in wants_of([delivery.pk])[delivery.pk]]
    waiting = waiting_steps(set(plans))
    pks = {step.delivery_id for steps in waiting.values() for step in steps if step.starts_at == told}
    left_out = unwanted(pks)
    rows = Delivery.objects.select_related("member").in_bulk(pks - left_out.keys())
    instant = now()
    found: dict[int, Delivery] = {}
    for plan in plans:
        steps = [
            step
            for step in waiting.get(plan, ())
            if step.delivery_id in rows and _can_disturb(rows[step.delivery_id], instant)
        ]
        step = next_step(steps, delivery.target_id, delivery.member_id, Cause.AWAY)
        if step is not None:
            found[step.delivery_id] = rows[step.delivery_id]
    return sorted(found.values(), key=lambda row: (row.due_at, row.pk))


def _can_disturb(row: Delivery, instant: datetime) -> bool:
    """Say whether quiet hours let a delivery go out now."""
    channel = registry().get(row.kind)
    is_silent = channel is not None and channel.capabilities.is_silent
    return row.severity >= Severity.CRITICAL or is_silent or not row.member.is_quiet(instant)
