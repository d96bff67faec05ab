"""The record of notices that were sent long ago, and one row of each kind that retention ends."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from common.states import State
from eventinvoke.models import (
    Answer,
    Attempt,
    DailyCount,
    Delivery,
    Event,
    EventChange,
    Period,
    Receipt,
    Share,
)
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import SignInTry, Verification
from registration.tests.factories import MemberFactory, RegistrationFactory

_NUMBERS = count()
PAYLOAD = {"To": "+81312345678", "CallStatus": "completed"}
RECORD = (Delivery, Attempt, Receipt, Answer, Share, EventChange, Period, DailyCount, Event)


def event_of(deadline_at: datetime, **values: Any) -> Event:
    starts_at = values.pop("starts_at", deadline_at - timedelta(hours=1))
    event: Event = EventFactory.create(starts_at=starts_at, deadline_at=deadline_at, **values)
    return event


def delivery_of(deadline_at: datetime, state: str = State.DELIVERED, **values: Any) -> Delivery:
    """A delivery whose deadline is that of its event; it was due at this instant too, unless said otherwise."""
    event = values.pop("event", None) or event_of(deadline_at)
    values.setdefault("due_at", deadline_at)
    delivery: Delivery = DeliveryFactory.create(event=event, state=state, deadline_at=deadline_at, **values)
    return delivery


def receipt_of(delivery: Delivery, received_at: datetime, **values: Any) -> Receipt:
    attempt = Attempt.objects.create(delivery=delivery, started_at=received_at)
    values = {"payload": PAYLOAD, "fingerprint": f"receipt {next(_NUMBERS)}", "is_applied": True} | values
    return Receipt.objects.create(
        attempt=attempt, status="completed", sequence=3, raw_at=received_at, received_at=received_at, **values
    )


def full_record(deadline_at: datetime) -> Delivery:
    """A delivery with one row of everything that belongs to it and to its event."""
    delivery = delivery_of(deadline_at)
    receipt_of(delivery, deadline_at)
    plan = RegistrationFactory(member=delivery.member)
    Share.objects.create(delivery=delivery, registration=plan, condition="always")
    Answer.objects.create(
        event=delivery.event,
        member=delivery.member,
        delivery=delivery,
        kind=Answer.Kind.CONFIRMED,
        starts_at=delivery.starts_at,
        way="link",
        at=deadline_at,
    )
    change_of(deadline_at, event=delivery.event)
    period_of(deadline_at, event=delivery.event, registration=plan)
    count_of(deadline_at.date(), member=delivery.member)
    return delivery


def change_of(at: datetime, **values: Any) -> EventChange:
    event = values.pop("event", None) or EventFactory()
    return EventChange.objects.create(event=event, kind=EventChange.Kind.MOVED, at=at, **values)


def period_of(ends_at: datetime, **values: Any) -> Period:
    plan = values.pop("registration", None) or RegistrationFactory(action="mute")
    event = values.pop("event", None) or EventFactory()
    return Period.objects.create(
        member=plan.member,
        registration=plan,
        event=event,
        kind=Period.Kind.MUTE,
        starts_at=ends_at - timedelta(hours=1),
        ends_at=ends_at,
        **values,
    )


def count_of(day: date, **values: Any) -> DailyCount:
    return DailyCount.objects.create(member=values.pop("member", None) or MemberFactory(), day=day, used=3)


def code_of(sent_at: datetime) -> Verification:
    return Verification.objects.create(
        member=MemberFactory(),
        fingerprint="f" * 64,
        code_hash="c" * 64,
        sent_at=sent_at,
        expires_at=sent_at + timedelta(minutes=10),
    )


def try_of(tried_at: datetime) -> SignInTry:
    return SignInTry.objects.create(key="k" * 64, tried_at=tried_at)
