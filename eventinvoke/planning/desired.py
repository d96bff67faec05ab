"""Wishes: which deliveries and periods should exist, and when, as the registrations say."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from common.times import days_between, zone_of
from eventinvoke.models import Answer
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.matching import Matcher
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

AT_ONCE: Final = 5_000
"""About so many wishes are held at once, or many members of one calendar would need gigabytes."""

Key = tuple[int, int, datetime]
"""Event, target and due time: what makes a delivery the same one."""
StepsOf = Callable[[Registration], Iterable[Step]]


def day_at(event: AnyEvent, registration: Registration, at: time, days: int = 0) -> datetime:
    """Return an instant of the first day of an event that lasts all day, or of one some days after it.

    ``at`` is on the clocks of the registration's member. A time that the clocks jump over counts from
    before the jump, so that it is as much later; of a time that comes twice it is the first (PEP 495).
    """
    day = (event.starts_on or event.starts_at.date()) + timedelta(days=days)
    zone = zone_of(registration.member.time_zone)
    return datetime.combine(day, at, zone).astimezone(UTC)


def begins_at(event: AnyEvent, registration: Registration) -> datetime:
    """Return when an event begins for a plan: its start, or the chosen hour of its day."""
    if not event.is_all_day or event.starts_on is None:
        return event.starts_at
    return day_at(event, registration, registration.all_day_at)


def due_at(event: AnyEvent, registration: Registration, step: Step) -> datetime:
    """Return when a step of a plan is due."""
    return begins_at(event, registration) + step.offset


def over_at(event: AnyEvent, registration: Registration) -> datetime:
    """Return after when a plan tells nobody of an event any more, unless a step lies later still."""
    if not event.is_all_day or event.starts_on is None:
        return event.deadline_at
    return day_at(event, registration, time(0), days=1)


class Wish(NamedTuple):
    """One delivery that should exist."""

    event: AnyEvent
    registration: Registration
    step: Step
    due_at: datetime
    deadline_at: datetime
    is_timely: bool = True
    """Whether it is not too late to begin with it, if it was not planned in time."""

    @property
    def key(self) -> Key:
        """What makes its delivery the same one."""
        return self.event.pk, self.step.target_id, self.due_at


def runs_of(event: AnyEvent, registration: Registration) -> tuple[datetime, datetime]:
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
    runs: list[tuple[AnyEvent, Registration]] = field(default_factory=list)
    """Events and the registrations that mute their member, or make the member away, while they run."""


def wishes_of(
    events: Sequence[AnyEvent],
    registrations: Sequence[Registration],
    instant: datetime,
    steps_of: StepsOf = lambda registration: registration.steps.all(),
) -> Wishes:
    """Return everything that should exist."""
    whole = Wishes()
    for _events, found in in_turn(events, Matcher(registrations), instant, steps_of):
        whole.deliveries.update(found.deliveries)
        whole.runs += found.runs
    return whole


def in_turn(
    events: Sequence[AnyEvent],
    matcher: Matcher,
    instant: datetime,
    steps_of: StepsOf,
    *,
    are_new: bool = False,
) -> Iterator[tuple[list[AnyEvent], Wishes]]:
    """Yield some of the events after others, until all were there, with all that should exist for these.

    Nobody can have answered about events that ``are_new``.
    """
    # A step may lie after its event's end, so it is each wish's own deadline that counts.
    since = instant - LAST_STEP - DAY
    open_events = [e for e in events if e.canceled_at is None and e.deadline_at > since]
    answers = {} if are_new else _answers(open_events)
    left = {event.pk: event for event in events}
    some: list[AnyEvent] = []
    found = Wishes()
    for event, pairs in groupby(matcher.matching(open_events), key=itemgetter(0)):
        some.append(left.pop(event.pk))
        _add(found, event, map(itemgetter(1), pairs), steps_of, answers.get(event.pk, ()), instant)
        if len(found.deliveries) + len(found.runs) >= AT_ONCE:
            yield some, found
            some, found = [], Wishes()
    some += left.values()
    if some:
        yield some, found


def _add(
    found: Wishes,
    event: AnyEvent,
    registrations: Iterable[Registration],
    steps_of: StepsOf,
    said: Sequence[Answer],
    instant: datetime,
) -> None:
    """Add what should exist for one event; of several that want the same the first has it.

    Of several steps to one target whose time has passed already, only the latest counts: whoever
    is told late is told once.
    """
    missed: dict[int, tuple[Wish, datetime]] = {}
    told_later: set[int] = set()
    for registration in registrations:
        if registration.action != Registration.Action.NOTIFY:
            found.runs.append((event, registration))
            continue
        begins, over = begins_at(event, registration), over_at(event, registration)
        for step in steps_of(registration):
            due = begins + step.offset
            wish = Wish(event, registration, step, due, max(over, due + LATE))
            if wish.deadline_at <= instant or not step.target.is_usable or (said and _is_settled(wish, said)):
                continue
            target = step.target_id
            if due > instant:
                found.deliveries.setdefault((event.pk, target, due), wish)
                told_later.add(target)
            elif target not in missed or missed[target][0].due_at < due:
                missed[target] = wish, begins
    for target, (wish, begins) in missed.items():
        is_first = begins > instant and target not in told_later
        is_timely = is_first or wish.due_at > instant - LATE
        found.deliveries.setdefault(wish.key, wish._replace(is_timely=is_timely))


def _answers(events: Sequence[AnyEvent]) -> dict[int, list[Answer]]:
    """Return what was said about each event since it has its present start."""
    starts = {event.pk: event.starts_at for event in events}
    kinds = [Answer.Kind.CONFIRMED, Answer.Kind.STOPPED]
    found: dict[int, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.filter(event__pk__any_of=list(starts), kind__in=kinds).select_related(
        "delivery"
    ):
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
