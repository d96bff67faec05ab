"""Planning: from events and the registrations that want them to deliveries.

Planning compares what should be pending with what is, and writes only the difference. It touches
PENDING rows and nothing else: what was fired stays as it was. Planning twice changes nothing, so
whoever is in doubt plans again.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from django.db import models, transaction
from django.db.models import Q

from common.clock import now
from common.states import State
from eventinvoke.matching import DATE_SOURCE, registrations_for
from eventinvoke.models import Delivery, Event
from eventinvoke.wishes import DAY, Key, Wish, is_late, still_to_come, wishes_of
from registration.models import Registration

BATCH: Final = 1000
PAIRS: Final = 20_000
"""So many events times registrations are planned at once at most, or many members of one calendar
would need gigabytes."""


def plan_events(pks: Collection[int]) -> None:
    """Bring the deliveries of these events in line with the registrations."""
    for some in _chunks(pks):
        with transaction.atomic():
            events = list(Event.objects.select_for_update().filter(pk__in=some).order_by("pk"))
            registrations = registrations_for(events)
            at_once = max(1, PAIRS // max(1, len(registrations)))
            for start in range(0, len(events), at_once):
                _bring_in_line(events[start : start + at_once], registrations)


def plan_registration(registration: Registration) -> None:
    """Bring the deliveries of one registration in line with it.

    Looks at what is stored and fetches nothing. Another registration may want just what this one
    gives up, so the events whose deliveries end here are planned as a whole.
    """
    pending = Delivery.objects.pending().filter(registration=registration)
    touched = set(pending.values_list("event_id", flat=True))
    if not registration.is_in_force:
        pending.filter(is_snooze=True).cancel("The registration was switched off or declined.")
    else:
        touched |= set(_events_of(registration).values_list("pk", flat=True))
    plan_events(sorted(touched))


def _events_of(registration: Registration) -> "models.QuerySet[Event]":
    """Events that are still to come and whose source the registration looks at."""
    instant = now()
    coming = Event.objects.filter(deadline_at__gt=instant - DAY, canceled_at__isnull=True)
    coming = coming.filter(Q(deadline_at__gt=instant) | Q(is_all_day=True))
    if registration.kind == Registration.Kind.DATE:
        return coming.filter(source=DATE_SOURCE, external_id=str(registration.pk))
    if registration.calendar_id is not None:
        return coming.filter(source=f"calendar:{registration.calendar_id}")
    if registration.source:
        return coming.filter(source=registration.source)
    return coming.filter(source__startswith="calendar:")


def _chunks(pks: Iterable[int]) -> Iterable[list[int]]:
    iterator = iter(pks)
    while some := list(islice(iterator, BATCH)):
        yield some


def _bring_in_line(events: Sequence[Event], registrations: Sequence[Registration]) -> None:
    instant = now()
    found = wishes_of(events, registrations, instant)
    wishes = found.deliveries
    rows = list(Delivery.objects.filter(event__in=[e.pk for e in events]).exclude(state=State.CANCELED))
    taken = {(row.event_id, row.target_id, row.due_at) for row in rows}
    pending = [row for row in rows if row.state == State.PENDING and not row.is_snooze]
    by_step = {(row.event_id, row.step_id): row for row in pending}

    later = still_to_come(wishes, instant)
    kept: set[int] = set()
    moved: list[Delivery] = []
    created: list[Delivery] = []
    for key, wish in wishes.items():
        if key in taken:
            continue
        row = by_step.get((wish.event.pk, wish.step.pk))
        if row is not None and row.pk not in kept and (row.event_id, row.target_id, row.due_at) not in wishes:
            kept.add(row.pk)
            moved.append(_moved(row, wish))
        elif not is_late(wish, instant, later):
            created.append(wish.delivery())
    wanted = kept | {row.pk for row in pending if (row.event_id, row.target_id, row.due_at) in wishes}
    unwanted = [row.pk for row in pending if row.pk not in wanted]
    _write(unwanted, moved, created)
    _refresh(pending, wishes)
    _drop_snoozes(events)


def _moved(row: Delivery, wish: Wish) -> Delivery:
    fresh = wish.delivery()
    for name in (
        "due_at",
        "next_attempt_at",
        "deadline_at",
        "severity",
        "condition",
        "target_id",
        "member_id",
        "kind",
    ):
        setattr(row, name, getattr(fresh, name))
    return row


def _write(unwanted: Sequence[int], moved: Sequence[Delivery], created: Sequence[Delivery]) -> None:
    for some in _chunks(unwanted):
        Delivery.objects.filter(pk__in=some).cancel(
            "No longer wanted: the event or the registration changed."
        )
    for row in moved:
        # Conditional, as a worker may have claimed it since it was read; then it stays as it was.
        Delivery.objects.pending().filter(pk=row.pk).update(
            due_at=row.due_at,
            next_attempt_at=row.next_attempt_at,
            deadline_at=row.deadline_at,
            severity=row.severity,
            condition=row.condition,
            target_id=row.target_id,
            member_id=row.member_id,
            kind=row.kind,
        )
    Delivery.objects.bulk_create(created, batch_size=BATCH, ignore_conflicts=True)


def _refresh(pending: Iterable[Delivery], wishes: dict[Key, Wish]) -> None:
    """Carry over what may change while the due time stays: deadline, severity, condition."""
    for row in pending:
        wish = wishes.get((row.event_id, row.target_id, row.due_at))
        if wish is None:
            continue
        fresh = wish.delivery()
        names = ("deadline_at", "severity", "condition", "registration_id", "step_id")
        changes = {name: getattr(fresh, name) for name in names if getattr(row, name) != getattr(fresh, name)}
        if changes:
            Delivery.objects.pending().filter(pk=row.pk).update(**changes)


def _drop_snoozes(events: Iterable[Event]) -> None:
    """Cancel what was put off of events that no longer take place."""
    gone = [event.pk for event in events if event.canceled_at is not None]
    if gone:
        Delivery.objects.filter(event__in=gone, is_snooze=True).cancel("The event was canceled.")
