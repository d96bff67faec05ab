"""Answers: what a member says to a notice, by a key, a button, a link or in the inbox.

Every answer may come twice (a double click, a repeated callback) and the second changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from common.clock import now
from common.db.retry_transaction import retry_transaction
from common.states import State
from eventinvoke.models import Answer, Delivery, Event
from eventinvoke.querysets import DeliveryQuerySet
from registration.models import Member, Step

SNOOZE: Final = timedelta(minutes=5)


@retry_transaction
def confirm(delivery: Delivery, way: str) -> bool:
    """Confirm that the member knows; return False if that was said before.

    Ends what is still pending for the event: of this member, and of the plan that the notice
    belongs to, but for steps that are carried out always.
    """
    with transaction.atomic():
        is_same = _hold(delivery)
        is_new = _say(delivery, Answer.Kind.CONFIRMED, way)
        instant = now()
        Delivery.objects.filter(pk=delivery.pk).move_to(
            State.ACKNOWLEDGED,
            lease_until=None,
            sent_at=Coalesce("sent_at", instant),
            delivered_at=Coalesce("delivered_at", instant),
            reason="",
        )
        if is_same:
            waiting = _waiting(delivery).filter(condition=Step.Condition.UNCONFIRMED)
            waiting.cancel(f"{delivery.member} confirmed.")
    return is_new


@retry_transaction
def snooze(delivery: Delivery, way: str, after: timedelta = SNOOZE) -> datetime | None:
    """Tell the member again after a while; return when, or None when the event is over by then.

    Saying it twice of the same notice puts it off once.
    """
    at = now() + after
    with transaction.atomic():
        event = delivery.event
        if at >= delivery.deadline_at or event.canceled_at is not None:
            return None
        if not _say(delivery, Answer.Kind.SNOOZED, way):
            again = Delivery.objects.filter(
                event=event, target_id=delivery.target_id, is_snooze=True, pk__gt=delivery.pk
            )
            return again.order_by("pk").values_list("due_at", flat=True).first()
        _reach(delivery)
        Delivery.objects.bulk_create(
            [
                Delivery(
                    event=event,
                    member_id=delivery.member_id,
                    target_id=delivery.target_id,
                    registration_id=delivery.registration_id,
                    step_id=delivery.step_id,
                    condition=Step.Condition.UNCONFIRMED,
                    kind=delivery.kind,
                    severity=delivery.severity,
                    due_at=at,
                    next_attempt_at=at,
                    deadline_at=delivery.deadline_at,
                    is_snooze=True,
                )
            ],
            ignore_conflicts=True,
        )
    return at


@retry_transaction
def pass_on(delivery: Delivery, way: str) -> Member | None:
    """Tell the next person of the plan now; return who that is, or None if nobody is left."""
    with transaction.atomic():
        _reach(delivery)
        following = (
            Delivery.objects.pending()
            .filter(event=delivery.event_id, registration=delivery.registration_id)
            .exclude(member=delivery.member_id)
            .exclude(registration=None)
            .select_related("member")
            .order_by("due_at", "pk")
            .first()
        )
        if following is None:
            return None
        _say(delivery, Answer.Kind.PASSED_ON, way)
        Delivery.objects.pending().filter(pk=following.pk, next_attempt_at__gt=now()).update(
            next_attempt_at=now()
        )
    return following.member


@retry_transaction
def stop(delivery: Delivery, way: str) -> None:
    """Stop telling this member about this event in this way; other ways and people go on."""
    with transaction.atomic():
        is_same = _hold(delivery)
        _say(delivery, Answer.Kind.STOPPED, way)
        _reach(delivery)
        if is_same:
            same = Delivery.objects.filter(
                event=delivery.event_id, member=delivery.member_id, kind=delivery.kind
            )
            same.cancel(f"{delivery.member} asked not to be told about this any more in this way.")


def _hold(delivery: Delivery) -> bool:
    """Wait for whoever plans the event, who may not know of the answer, and keep others from it.

    Return whether the event starts when whoever answered was told that it does: what was planned for another
    time meanwhile is not meant.
    """
    events = Event.objects.select_for_update().filter(pk=delivery.event_id)
    return events.values_list("starts_at", flat=True).first() == delivery.event.starts_at


def _say(delivery: Delivery, kind: Answer.Kind, way: str) -> bool:
    _answer, is_new = Answer.objects.get_or_create(
        delivery=delivery,
        kind=kind,
        defaults={
            "event_id": delivery.event_id,
            "member_id": delivery.member_id,
            "starts_at": delivery.event.starts_at,
            "way": way[:20],
        },
    )
    return is_new


def _reach(delivery: Delivery) -> None:
    """Whoever answers was reached."""
    instant = now()
    Delivery.objects.filter(pk=delivery.pk).move_to(
        State.DELIVERED,
        lease_until=None,
        sent_at=Coalesce("sent_at", instant),
        delivered_at=Coalesce("delivered_at", instant),
    )


def _waiting(delivery: Delivery) -> DeliveryQuerySet:
    """What is pending for the event: of the same member, and of the same plan."""
    concerned = Q(member=delivery.member_id)
    if delivery.registration_id is not None:
        concerned |= Q(registration=delivery.registration_id)
    return Delivery.objects.pending().filter(concerned, event=delivery.event_id)
