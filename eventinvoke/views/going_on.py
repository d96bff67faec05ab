"""What goes on at this moment: calls that ring, events that run, and until when notices are muted."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from common import sources
from common.channels import registry
from common.states import State
from common.times import next_at
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.planning.publish import DEFAULT_LENGTH
from registration.models import Member

LIMIT: Final = 10
"""Rows of each sort."""
_LONGEST: Final = timedelta(days=14)
"""Of an event that has run for longer, no notice is looked for."""
_SOON: Final = timedelta(hours=1)
"""How far ahead the notices of what runs are looked for, besides those that were due."""


@dataclass(slots=True)
class GoingOn:
    """What a member has to know first."""

    calls: list[Delivery] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    quiet_until: datetime | None = None
    """The end of the quiet hours, while they last."""

    def __bool__(self) -> bool:
        """Say whether there is anything."""
        return bool(self.calls or self.events or self.periods or self.quiet_until)

    @property
    def mark(self) -> tuple[Any, ...]:
        """What changes with it."""
        return (
            [(one.pk, one.state, one.attempts) for one in self.calls],
            [(one.pk, one.updated_at) for one in self.events],
            [(one.pk, one.ends_at) for one in self.periods],
            self.quiet_until,
        )


def going_on(member: Member, instant: datetime, *, is_all: bool) -> GoingOn:
    """Return what goes on for a member, or (``is_all``) for all. Three queries."""
    return GoingOn(
        _calls(member, is_all=is_all),
        list((_events_of_all(instant) if is_all else _events(member, instant))[:LIMIT]),
        _periods(member, instant, is_all=is_all),
        None if is_all else _quiet_until(member, instant),
    )


def _calls(member: Member, *, is_all: bool) -> list[Delivery]:
    kinds = [kind for kind, channel in registry().items() if channel.capabilities.can_redial]
    # Only what its provider has not reported about to the end has a lease: there are few, and they have an index.
    rows = Delivery.objects.filter(
        state__in=[State.SENDING, State.SENT], lease_until__isnull=False, kind__in=kinds
    )
    rows = rows if is_all else rows.filter(member=member)
    return list(rows.select_related("event", "target", "member").order_by("lease_until", "pk")[:LIMIT])


def _running(events: "QuerySet[Event]", instant: datetime) -> "QuerySet[Event]":
    lasts = Q(ends_at__gt=instant) | Q(ends_at__isnull=True, starts_at__gt=instant - DEFAULT_LENGTH)
    events = events.filter(
        lasts, starts_at__gt=instant - _LONGEST, starts_at__lte=instant, canceled_at__isnull=True
    )
    for kind in sources.registry().values():
        if kind.is_direct or kind.is_for_staff:  # they tell of something, and don't take time
            events = events.exclude(source__startswith=kind.prefix)
    return events.order_by("starts_at", "pk")


def _events_of_all(instant: datetime) -> "QuerySet[Event]":
    return _running(Event.objects.all(), instant)


def _events(member: Member, instant: datetime) -> "QuerySet[Event]":
    told = Delivery.objects.filter(
        member=member,
        due_at__gt=instant - _LONGEST,
        due_at__lt=instant + _SOON,
        starts_at__lte=instant,
        deadline_at__gt=instant,
    ).exclude(state=State.CANCELED)
    return _running(Event.objects.filter(pk__in=told.values("event")), instant)


def _periods(member: Member, instant: datetime, *, is_all: bool) -> list[Period]:
    rows = Period.objects.filter(starts_at__lte=instant, ends_at__gt=instant)
    rows = rows if is_all else rows.filter(member=member)
    return list(rows.select_related("event", "member").order_by("ends_at", "pk")[:LIMIT])


def _quiet_until(member: Member, instant: datetime) -> datetime | None:
    if member.quiet_until is None or not member.is_quiet(instant):
        return None
    return next_at(instant, member.quiet_until, member.zone)
