"""Collapse: a target is told of a meeting once, where several deliveries about it are due together.

That is so after a downtime, when several steps of a plan are overdue at once, and for a meeting that is in two calendars. The
latest step is sent; the plans of the others share it, so that its answer and its miss are theirs too.
Deliveries about an event that changed and is not planned yet wait for that.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q

from common.clock import now
from common.db import bulk
from common.states import CARRIED_OUT, TELLING, State
from eventinvoke.models import Delivery, Event, Share
from eventinvoke.planning.desired import LATE
from eventinvoke.planning.obsolete import APART, ORIGINS, unwanted
from eventinvoke.planning.twins import twins_of
from eventinvoke.planning.wants import wants_of
from eventinvoke.querysets import TOLD_BY_TWIN
from eventinvoke.sending.compose import Row

TOGETHER: Final = "Told together with a later step."
_PAUSE: Final = timedelta(seconds=1)
"""So long a delivery waits for the planning of its event, again and again."""
_MOMENT: Final = timedelta(seconds=0.2)
"""So long it waits for another worker that decides on the same meeting."""
_PATIENCE: Final = timedelta(minutes=1)
"""After so long it is judged by itself."""


class _Meeting(NamedTuple):
    """What tells twins, and whether the event has changed since it was planned."""

    pk: int
    source: str
    series: str
    title: str
    starts_at: datetime
    unplanned: int | None
    """The version that is not planned yet, if there is one."""


_COLUMNS: Final = (*_Meeting._fields[:-1], "unplanned__version")


def collapse(rows: Sequence[Row], instant: datetime) -> list[Row]:
    """Return the deliveries that are to be sent, and settle or postpone the others."""
    pks = {row.event_id for row in rows if row.origin not in APART}
    found = Event.objects.filter(pk__any_of=pks).values_list(*_COLUMNS)
    meetings = {row[0]: _Meeting(*row) for row in found}
    rows = _planned(rows, meetings, instant)
    twins = twins_of(meetings.values())
    rows = _undisputed(rows, twins, instant)
    groups: dict[tuple[int, int | None], list[Row]] = defaultdict(list)
    for row in rows:
        meeting = min({row.event_id, *twins.get(row.event_id, ())})
        groups[meeting, row.target_id].append(row)
    replaced: dict[int, Row] = {}
    for some in groups.values():
        if len(some) > 1:
            kept = max(some, key=lambda row: (row.origin in ORIGINS, row.due_at, row.pk))
            replaced.update({row.pk: kept for row in some if row.pk != kept.pk})
    if replaced:
        _share(replaced)
        by_twin = {row.pk for row in rows if row.pk in replaced and _is_twin(row, replaced[row.pk])}
        _settle(sorted(by_twin), TOLD_BY_TWIN)
        _settle(sorted(replaced.keys() - by_twin), TOGETHER)
    going = [row for row in rows if row.pk not in replaced]
    told = _told_by_twins(going, twins)
    if told:
        _settle(sorted(told), TOLD_BY_TWIN)
    return [row for row in going if row.pk not in told]


def _is_twin(row: Row, kept: Row) -> bool:
    return row.event_id != kept.event_id and row.due_at == kept.due_at


def _planned(rows: Sequence[Row], meetings: Mapping[int, _Meeting], instant: datetime) -> list[Row]:
    """Postpone what changed with its event and is not planned yet."""
    stale = [
        row.pk
        for row in rows
        if row.event_id in meetings
        and meetings[row.event_id].unplanned is not None
        and row.due_at > instant - _PATIENCE
    ]
    if not stale:
        return list(rows)
    waiting = set(unwanted(stale))
    Delivery.objects.pending().filter(pk__in=waiting).update(next_attempt_at=instant + _PAUSE)
    return [row for row in rows if row.pk not in waiting]


def _undisputed(
    rows: Sequence[Row], twins: Mapping[int, Collection[int]], instant: datetime
) -> Sequence[Row]:
    """Hold the meetings that are in several calendars, and postpone what another worker decides on at this moment.

    What that worker tells is not visible before its transaction ends. It is not waited for: it may wait for a
    delivery that is locked here.
    """
    meetings = {row.event_id: {row.event_id, *twins[row.event_id]} for row in rows if row.event_id in twins}
    if not meetings or not connection.features.has_select_for_update_skip_locked:
        return rows
    free = Event.objects.select_for_update(
        skip_locked=True, no_key=connection.features.has_select_for_no_key_update
    ).filter(pk__any_of=set().union(*meetings.values()))
    held = set(free.order_by("pk").values_list("pk", flat=True))
    waiting = {row.pk for row in rows if not meetings.get(row.event_id, set()) <= held}
    Delivery.objects.pending().filter(pk__in=waiting).update(next_attempt_at=instant + _MOMENT)
    return [row for row in rows if row.pk not in waiting]


def _settle(pks: Sequence[int], reason: str) -> None:
    Delivery.objects.filter(pk__in=pks).move_to(State.SUPPRESSED, reason=reason, settled_at=now())


def _share(replaced: Mapping[int, Row]) -> None:
    """Have the plans of deliveries that are not sent share the one that is sent in their place."""
    wants = wants_of({*replaced, *(row.pk for row in replaced.values())})
    firsts = {row.pk: row.registration_id for row in replaced.values()}
    rows = [
        (replaced[pk].pk, want.registration_id, want.step_id, want.condition)
        for pk, some in wants.items()
        if pk in replaced
        for want in some
        if want.registration_id != firsts[replaced[pk].pk]
    ]
    bulk.insert_missing(Share, ("delivery_id", "registration_id", "step_id", "condition"), rows)


def _told_by_twins(rows: Sequence[Row], twins: Mapping[int, Collection[int]]) -> set[int]:
    """Return which of some deliveries a twin of their event has told.

    It told the same due time, or it carried out the same step for a start less than ``LATE`` away: it moved a little
    in one calendar before the other, and the change notice tells of that.
    """
    asked = {row.pk: row for row in rows if row.event_id in twins and row.origin == Delivery.Origin.PLAN}
    if not asked:
        return set()
    others = set().union(*(twins[row.event_id] for row in asked.values()))
    steps = dict(Delivery.objects.filter(pk__in=asked).values_list("pk", "step_id"))
    same = Q(target__in={row.target_id for row in asked.values()}) | Q(step__in=set(steps.values()) - {None})
    found = Delivery.objects.filter(same, event__in=others, state__in=CARRIED_OUT)
    by_twin: dict[int, list[_Told]] = defaultdict(list)
    for told in map(_Told._make, found.values_list(*_Told._fields)):
        by_twin[told.event_id].append(told)
    return {
        pk
        for pk, row in asked.items()
        if any(one.tells(row, steps[pk]) for twin in twins[row.event_id] for one in by_twin[twin])
    }


class _Told(NamedTuple):
    """What a twin has carried out."""

    event_id: int
    target_id: int | None
    step_id: int | None
    starts_at: datetime
    due_at: datetime
    state: str

    def tells(self, row: Row, step: int | None) -> bool:
        """Say whether it makes a delivery of a twin needless."""
        if self.starts_at != row.starts_at:
            return self.step_id == step is not None and abs(self.starts_at - row.starts_at) < LATE
        return self.state in TELLING and (self.target_id, self.due_at) == (row.target_id, row.due_at)
