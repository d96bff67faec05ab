"""Members who are muted or away, and what falls in that time."""

from datetime import datetime, timedelta
from typing import Any, Final

from common.clock import now
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    TargetFactory,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
START: Final = datetime.fromisoformat("2026-11-21T10:00:00+00:00")


def runner(action: str = "mute", **values: Any) -> Any:
    """A registration that mutes, or makes away, while "observing" in the member's calendar runs."""
    member = values.pop("member", None) or MemberFactory()
    calendar = values.pop("calendar", None) or CalendarFactory(owner=member)
    return RegistrationFactory(
        member=member, calendar=calendar, action=action, name="Observing", pattern="observing", **values
    )


def observe(one: Any, starts_at: datetime, ends_at: datetime | None = None, **values: Any) -> None:
    values.setdefault("title", "Observing run")
    values.setdefault("external_id", "1")
    publish([EventDraft(source=one.calendar.source, starts_at=starts_at, ends_at=ends_at, **values)])


def due(member: Any, kind: str = "pushlike", **values: Any) -> Delivery:
    target = values.pop("target", None) or TargetFactory(
        member=member, kind=kind, address="ok", fingerprint=kind
    )
    delivery: Delivery = DeliveryFactory(target=target, **values)
    return delivery


def outcome(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def hold_back(one: Any, *titles: str, **values: Any) -> None:
    """Have notices to the registration's member held back, of events half an hour from now."""
    for title in titles:
        event = EventFactory(title=title, starts_at=now() + 30 * MINUTE, **values)
        target = TargetFactory(member=one.member, kind="pushlike", address="ok", fingerprint=f"{event.pk}")
        due(one.member, event=event, target=target)
    fire("pushlike")


def summaries() -> list[Event]:
    return list(Event.objects.filter(source="summary").order_by("pk"))


def period() -> tuple[datetime, datetime]:
    found: tuple[datetime, datetime] = Period.objects.values_list("starts_at", "ends_at").get()
    return found
