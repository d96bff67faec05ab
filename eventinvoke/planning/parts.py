"""Parts: how much of the planning of some events fits one transaction.

A transaction plans whole events, or one event with some of its registrations in the order of their keys.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from django.db.models import Count

from eventinvoke.models import Delivery
from eventinvoke.planning.delivery_row import Scope
from eventinvoke.planning.event_row import EventRow
from eventinvoke.planning.matching import Matcher
from eventinvoke.planning.wants import steps_by_plan
from registration.models import Registration, Step

WISHES: Final = 500
"""After about so many wishes, or deliveries that were read, a transaction ends."""
_REMEMBERED: Final = 5_000
"""So many plans are held at most, besides those of the present transaction."""


class Held:
    """Registrations as they were read, with their plans, which are read when they are first needed."""

    def __init__(self, registrations: Sequence[Registration], state: tuple[int, ...]) -> None:
        self.matcher = Matcher(registrations)
        self.state = state
        self._steps: dict[int, list[Step]] = {}

    def steps_of(self, plans: Collection[int]) -> Mapping[int, list[Step]]:
        """Return the steps of some plans; read together with those of a few hundred that follow."""
        missing = [pk for pk in plans if pk not in self._steps]
        if missing:
            found = steps_by_plan(missing)
            self._steps.update({pk: found.get(pk, []) for pk in missing})
        return self._steps

    def forget(self) -> None:
        """Let the plans go: of a calendar with 20,000 registrations they are not held at once."""
        if len(self._steps) > _REMEMBERED:
            self._steps.clear()


class Place(NamedTuple):
    """How far the planning of an event has come whose plans do not fit one transaction."""

    event: int
    version: int
    """Of the event; when it changed in between, planning begins again."""
    plan: int
    """The registration after which it goes on."""


class Part(NamedTuple):
    """What one transaction plans: whole events, or one event with some of its registrations."""

    events: list[EventRow]
    pairs: list[tuple[EventRow, Registration]]
    scope: Scope


def counts_of(pks: Collection[int]) -> dict[int, int]:
    """Return how many deliveries some events have."""
    rows = Delivery.objects.filter(event__pk__any_of=list(pks), slot=0).order_by()
    return dict(rows.values_list("event_id").annotate(count=Count("*")))


def part_of(events: Sequence[EventRow], held: Held, counts: Mapping[int, int], after: int, room: int) -> Part:
    """Return the first of some events with all their registrations, as many as fit a transaction.

    ``counts`` says how many deliveries each has: those that are no longer wanted count as much as those that are.
    ``room`` is for how many of both there is room.
    """
    part = Part([], [], Scope(after=after))
    for event, wanting in _wanting(events, held.matcher):
        if after:
            return _first_plans(event, wanting, after)
        size = max(2 * len(wanting), counts.get(event.pk, 0))
        if size > WISHES and not part.events:
            return _first_plans(event, wanting, after)
        room -= size
        if room < 0 and part.events:
            break
        part.events.append(event)
        part.pairs.extend((event, one) for one in wanting)
    return part


def _first_plans(event: EventRow, wanting: Sequence[Registration], after: int) -> Part:
    """Return an event with the first of the plans after one that want it, or have deliveries of it."""
    most = WISHES // 2
    begin = bisect_right(wanting, after, key=attrgetter("pk"))
    left = wanting[begin : begin + most]
    rows = Delivery.objects.filter(event=event.pk, slot=0, registration__gt=after)
    stored = list(rows.order_by("registration_id").values_list("registration_id", flat=True)[:WISHES])
    ends = [left[-1].pk] if len(wanting) > begin + most else []
    if len(stored) == WISHES:
        ends += stored[-1:]
    until = min((pk for pk in ends if pk is not None), default=None)
    pairs = [(event, one) for one in left if until is None or one.pk <= until]
    return Part([event], pairs, Scope(after=after, until=until))


def _wanting(events: Sequence[EventRow], matcher: Matcher) -> Iterator[tuple[EventRow, list[Registration]]]:
    """Yield each of some events, which are in the order of their sources, with the registrations that want it."""
    open_events = [event for event in events if event.canceled_at is None]
    groups = groupby(matcher.matching(open_events), key=itemgetter(0))
    following = next(groups, None)
    for event in events:
        if following is not None and following[0].pk == event.pk:
            yield event, [registration for _event, registration in following[1]]
            following = next(groups, None)
        else:
            yield event, []
