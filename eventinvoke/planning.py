"""Planning: from events and the registrations that want them to deliveries.

Planning compares what should be pending with what is, and writes only the difference. It touches
PENDING rows and nothing else: what was fired stays as it was. Planning twice changes nothing, so
whoever is in doubt plans again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import models, transaction

from common.clock import now
from common.states import State
from eventinvoke.matching import DATE_SOURCE, matching, registrations_for
from eventinvoke.models import Answer, Delivery, Event
from registration.models import Registration, Step

LATE: Final = timedelta(minutes=5)
"""A step that is overdue by less than this when it is first planned is carried out all the same.

One that is overdue by more is carried out only while its event is still to come and nothing later
in the plan tells the same target: whoever registers late is told once, and not of what is over.
"""
LAST_STEP: Final = timedelta(days=7) + LATE
"""So long after an event's deadline its last step may be due (``step_offset_sane``)."""
BATCH: Final = 1000
PAIRS: Final = 20_000
"""So many events times registrations are planned at once at most, or many members of one calendar
would need gigabytes."""

Key = tuple[int, int, datetime]
"""Event, target and due time: what makes a delivery the same one."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """One delivery that should exist."""

    event: Event
    registration: Registration
    step: Step
    due_at: datetime

    @property
    def key(self) -> Key:
        return self.event.pk, self.step.target_id, self.due_at

    @property
    def deadline_at(self) -> datetime:
        return max(self.event.deadline_at, self.due_at + LATE)

    def delivery(self) -> Delivery:
        return Delivery(
            event=self.event,
            member_id=self.step.target.member_id,
            target_id=self.step.target_id,
            registration=self.registration,
            step=self.step,
            condition=self.step.condition,
            kind=self.step.target.kind,
            severity=self.event.severity,
            due_at=self.due_at,
            next_attempt_at=self.due_at,
            deadline_at=self.deadline_at,
        )


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
    coming = Event.objects.filter(deadline_at__gt=now(), canceled_at__isnull=True)
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
    wishes = _wishes(events, registrations, instant)
    rows = list(Delivery.objects.filter(event__in=[e.pk for e in events]).exclude(state=State.CANCELED))
    taken = {(row.event_id, row.target_id, row.due_at) for row in rows}
    pending = [row for row in rows if row.state == State.PENDING and not row.is_snooze]
    by_step = {(row.event_id, row.step_id): row for row in pending}

    later = {(event, target) for event, target, due_at in wishes if due_at > instant}

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
        elif wish.due_at > instant - LATE or (wish.event.starts_at > instant and key[:2] not in later):
            created.append(wish.delivery())
    wanted = kept | {row.pk for row in pending if (row.event_id, row.target_id, row.due_at) in wishes}
    unwanted = [row.pk for row in pending if row.pk not in wanted]
    _write(unwanted, moved, created)
    _refresh(pending, wishes)
    _drop_snoozes(events)


def _moved(row: Delivery, wish: _Wish) -> Delivery:
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


def _refresh(pending: Iterable[Delivery], wishes: dict[Key, _Wish]) -> None:
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


def _wishes(
    events: Sequence[Event], registrations: Sequence[Registration], instant: datetime
) -> dict[Key, _Wish]:
    """Return every delivery that should exist by its key.

    Of several steps to one target whose time has passed already, only the latest counts: whoever
    is told late is told once.
    """
    # A step may lie after its event's end, so it is each wish's own deadline that counts.
    open_events = [e for e in events if e.canceled_at is None and e.deadline_at > instant - LAST_STEP]
    answers = _answers(open_events)
    wishes: dict[Key, _Wish] = {}
    missed: dict[tuple[int, int], _Wish] = {}
    for event, registration in matching(open_events, registrations):
        said = answers.get(event.pk, [])
        for step in registration.steps.all():
            wish = _Wish(event, registration, step, event.starts_at + step.offset)
            if wish.deadline_at <= instant or not step.target.is_usable or _is_settled(wish, said):
                continue
            if wish.due_at > instant:
                wishes.setdefault(wish.key, wish)
                continue
            latest = missed.get((event.pk, step.target_id))
            if latest is None or latest.due_at < wish.due_at:
                missed[event.pk, step.target_id] = wish
    for wish in missed.values():
        wishes.setdefault(wish.key, wish)
    return wishes


def _answers(events: Sequence[Event]) -> dict[int, list[Answer]]:
    """Return what was said about each event since it has its present start."""
    starts = {event.pk: event.starts_at for event in events}
    kinds = [Answer.Kind.CONFIRMED, Answer.Kind.STOPPED]
    found: dict[int, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.filter(event__in=list(starts), kind__in=kinds).select_related("delivery"):
        if answer.starts_at == starts[answer.event_id]:
            found[answer.event_id].append(answer)
    return found


def _is_settled(wish: _Wish, said: Iterable[Answer]) -> bool:
    """Say whether an answer that was given makes this step needless."""
    member = wish.step.target.member_id
    for answer in said:
        if (
            answer.kind == Answer.Kind.STOPPED
            and answer.member_id == member
            and answer.delivery.kind == wish.step.target.kind
        ):
            return True
        concerns = answer.member_id == member or answer.delivery.registration_id == wish.registration.pk
        if (
            answer.kind == Answer.Kind.CONFIRMED
            and concerns
            and wish.step.condition == Step.Condition.UNCONFIRMED
        ):
            return True
    return False
