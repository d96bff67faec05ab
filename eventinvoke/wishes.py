"""Wishes: which deliveries and periods should exist, and when, as the registrations say."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple

from common.times import days_between, zone_of
from eventinvoke.matching import matching
from eventinvoke.models import Answer, Delivery, Event
from registration.models import Registration, Step

LATE: Final = timedelta(minutes=5)
"""A step that is overdue by less than this when it is first planned is carried out all the same.

One that is overdue by more is carried out only while its event is still to come and nothing later
in the plan tells the same target: whoever registers late is told once, and not of what is over.
"""
LAST_STEP: Final = timedelta(days=7) + LATE
"""So long after an event's deadline its last step may be due (``step_offset_sane``)."""
DAY: Final = timedelta(days=1)
"""An event that lasts all day may begin and end so much later in a member's zone than in its own."""
HOUR: Final = timedelta(hours=1)

Key = tuple[int, int, datetime]
"""Event, target and due time: what makes a delivery the same one."""
StepsOf = Callable[[Registration], Iterable[Step]]


def day_at(event: Event, registration: Registration, at: time, days: int = 0) -> datetime:
    """Return an instant of the first day of an event that lasts all day, or of one some days after it.

    ``at`` is on the clocks of the registration's member. A time that the clocks jump over counts from
    before the jump, so that it is as much later; of a time that comes twice it is the first (PEP 495).
    """
    day = (event.starts_on or event.starts_at.date()) + timedelta(days=days)
    zone = zone_of(registration.member.time_zone)
    return datetime.combine(day, at, zone).astimezone(UTC)


def begins_at(event: Event, registration: Registration) -> datetime:
    """Return when an event begins for a plan: its start, or the chosen hour of its day."""
    if not event.is_all_day or event.starts_on is None:
        return event.starts_at
    return day_at(event, registration, registration.all_day_at)


def due_at(event: Event, registration: Registration, step: Step) -> datetime:
    """Return when a step of a plan is due."""
    return begins_at(event, registration) + step.offset


def over_at(event: Event, registration: Registration) -> datetime:
    """Return after when a plan tells nobody of an event any more, unless a step lies later still."""
    if not event.is_all_day or event.starts_on is None:
        return event.deadline_at
    return day_at(event, registration, time(0), days=1)


class Wish(NamedTuple):
    """One delivery that should exist."""

    event: Event
    registration: Registration
    step: Step
    due_at: datetime
    begins_at: datetime
    deadline_at: datetime

    @property
    def key(self) -> Key:
        """What makes its delivery the same one."""
        return self.event.pk, self.step.target_id, self.due_at

    def delivery(self) -> Delivery:
        """Return its delivery, not stored."""
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


def runs_of(event: Event, registration: Registration) -> tuple[datetime, datetime]:
    """Return from when until when an event mutes the registration's member, or makes the member away.

    One that lasts all day runs from midnight to midnight of the member's clocks, one without an end for
    an hour.
    """
    if event.is_all_day and event.starts_on is not None:
        days = days_between(event.starts_at, event.ends_at or event.starts_at)
        return day_at(event, registration, time(0)), day_at(event, registration, time(0), days)
    if event.ends_at is None or event.ends_at == event.starts_at:
        return event.starts_at, event.starts_at + HOUR
    return event.starts_at, event.ends_at


@dataclass(slots=True)
class Wishes:
    """What should exist."""

    deliveries: dict[Key, Wish] = field(default_factory=dict)
    runs: list[tuple[Event, Registration]] = field(default_factory=list)
    """Events and the registrations that mute their member, or make the member away, while they run."""


def wishes_of(
    events: Sequence[Event],
    registrations: Sequence[Registration],
    instant: datetime,
    steps_of: StepsOf = lambda registration: registration.steps.all(),
) -> Wishes:
    """Return everything that should exist.

    Of several steps to one target whose time has passed already, only the latest counts: whoever
    is told late is told once.
    """
    # A step may lie after its event's end, so it is each wish's own deadline that counts.
    since = instant - LAST_STEP - DAY
    open_events = [e for e in events if e.canceled_at is None and e.deadline_at > since]
    answers = _answers(open_events)
    found = Wishes()
    missed: dict[tuple[int, int], Wish] = {}
    for event, registration in matching(open_events, registrations):
        if registration.action != Registration.Action.NOTIFY:
            found.runs.append((event, registration))
            continue
        begins, over = begins_at(event, registration), over_at(event, registration)
        said = answers.get(event.pk, ())
        for step in steps_of(registration):
            due = begins + step.offset
            wish = Wish(event, registration, step, due, begins, max(over, due + LATE))
            if wish.deadline_at <= instant or not step.target.is_usable or (said and _is_settled(wish, said)):
                continue
            if due > instant:
                found.deliveries.setdefault(wish.key, wish)
                continue
            latest = missed.get((event.pk, step.target_id))
            if latest is None or latest.due_at < due:
                missed[event.pk, step.target_id] = wish
    for wish in missed.values():
        found.deliveries.setdefault(wish.key, wish)
    return found


def is_late(wish: Wish, instant: datetime, later: Collection[tuple[int, int]]) -> bool:
    """Say whether it is too late to begin with a delivery that was not planned in time.

    ``later`` holds, as event and target, whom something is still going to tell.
    """
    if wish.due_at > instant - LATE:
        return False
    return wish.begins_at <= instant or wish.key[:2] in later


def still_to_come(wishes: Mapping[Key, Wish], instant: datetime) -> set[tuple[int, int]]:
    """Return the events and targets of what is not due yet."""
    return {(event, target) for event, target, due in wishes if due > instant}


def _answers(events: Sequence[Event]) -> dict[int, list[Answer]]:
    """Return what was said about each event since it has its present start."""
    starts = {event.pk: event.starts_at for event in events}
    kinds = [Answer.Kind.CONFIRMED, Answer.Kind.STOPPED]
    found: dict[int, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.filter(event__in=list(starts), kind__in=kinds).select_related("delivery"):
        if answer.starts_at == starts[answer.event_id]:
            found[answer.event_id].append(answer)
    return found


def _is_settled(wish: Wish, said: Iterable[Answer]) -> bool:
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
