"""Desired: which deliveries and periods a plan should have, and when. Pure functions of one plan at a time.

What one registration wants depends on no other registration. Where two want the same, they share one
delivery; ``reconcile`` sees to that.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from common.times import days_between, zone_of
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.settlement import Said, settled_by
from registration.models import Registration, Step

LATE: Final = timedelta(minutes=5)
"""A step that is overdue by less than this when it is first planned is carried out all the same."""
LAST_STEP: Final = timedelta(days=7) + LATE
"""So long after an event's deadline its last step may be due (``step_offset_sane``)."""
DAY: Final = timedelta(days=1)
"""An event that lasts all day may begin and end so much later in a member's zone than in its own."""
HOUR: Final = timedelta(hours=1)

Key = tuple[int, int, datetime]
"""Event, target and due time: what makes a delivery the same one, for one start of the event."""


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
    """Return the time from which a plan tells no more of an event, unless a step lies later still."""
    if not event.is_all_day or event.starts_on is None:
        return event.deadline_at
    return day_at(event, registration, time(0), days=1)


class Wish(NamedTuple):
    """One delivery that a plan wants."""

    event: AnyEvent
    registration: Registration
    step: Step
    due_at: datetime
    deadline_at: datetime
    is_timely: bool = True
    """Whether it is not too late to plan it now, if it was not planned in time."""
    is_overdue: bool = False

    @property
    def key(self) -> Key:
        """What makes its delivery the same one."""
        return self.event.pk, self.step.target_id, self.due_at


def wishes_of(
    event: AnyEvent,
    registration: Registration,
    steps: Sequence[Step],
    said: Sequence[Said],
    instant: datetime,
) -> list[Wish]:
    """Return the deliveries that a plan wants about an event, as of ``instant``.

    ``said`` are the answers about the event's present start. Of several overdue steps to one target
    only the latest counts. It is timely when it is overdue by less than ``LATE``, or when the event has not begun and
    no later step of this plan tells the same target before the start; never while its target can't be told, as its
    plan went on when it fell due.
    """
    if registration.action != Registration.Action.NOTIFY or event.canceled_at is not None:
        return []
    begins, over = begins_at(event, registration), over_at(event, registration)
    ahead: list[Wish] = []
    overdue: dict[int, Wish] = {}
    told_before_start: set[int] = set()
    for step in steps:
        due = begins + step.offset
        deadline = last_moment(event, begins, over, due)
        if deadline <= instant or not _is_of_use(step, steps) or settled_by(step, steps, said):
            continue
        wish = Wish(event, registration, step, due, deadline)
        if due > instant:
            ahead.append(wish)
            if due <= begins:
                told_before_start.add(step.target_id)
        elif step.target_id not in overdue or overdue[step.target_id].due_at < due:
            overdue[step.target_id] = wish
    for target, wish in overdue.items():
        is_first = begins > instant and target not in told_before_start
        is_timely = can_tell(wish.step) and (is_first or wish.due_at > instant - LATE)
        ahead.append(wish._replace(is_timely=is_timely, is_overdue=True))
    return ahead


def can_tell(step: Step) -> bool:
    """Say whether a step's target can be told: verified, not disabled, of an account that is switched on."""
    return step.target.is_usable and getattr(step, "tells_active", True)


def _is_of_use(step: Step, steps: Sequence[Step]) -> bool:
    """Say whether a step is to be planned: its target can be told, or another person is told because it can't.

    When a step to a disabled or deleted target falls due, its plan goes on at once; without a later step there is nothing to go on with.
    """
    if can_tell(step):
        return True
    return any(
        later.offset >= step.offset
        and later.target_id != step.target_id
        and later.condition == Step.Condition.UNCONFIRMED
        and can_tell(later)
        for later in steps
    )


def last_moment(event: AnyEvent, begins: datetime, over: datetime, due: datetime) -> datetime:
    """Return until when a step may be carried out.

    A step at the start or before is worth an hour after the start at most: a call ten minutes before an event of
    five days must not ring on its third day.
    """
    if due <= begins and not event.is_all_day:
        over = min(over, begins + HOUR)
    return max(over, due + LATE)


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


class Tellings(NamedTuple):
    """What was carried out of one start of one event, for ``is_needless``."""

    targets: frozenset[Any]
    """Targets that were told."""
    steps: frozenset[Any]
    """Steps that were carried out."""
    members: frozenset[Any] = frozenset()
    """Members whom a change notice tells of this start."""


def is_needless(wish: Wish, told: Tellings) -> bool:
    """Say whether a wish for which no delivery exists would tell a target of the same start again.

    A step that was carried out is not carried out again because its offset was edited, and an overdue step
    does not tell a target that knows this start already, or a member who was told that the event has moved there.
    """
    if wish.step.pk in told.steps:
        return True
    target = wish.step.target
    return wish.is_overdue and (target.pk in told.targets or target.member_id in told.members)
