"""What storing a registration would send at once about events that have begun."""

from collections.abc import Iterable, Sequence

from common.clock import now
from eventinvoke.models import Event
from eventinvoke.planning.desired import begins_at
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.matching import DATE_SOURCE
from eventinvoke.planning.preview import look, rows_of, taken, timely
from registration.models import Registration, Step, Target


def begun(edited: Registration, steps: Iterable[Step]) -> list[tuple[str, Target]]:
    """Return title and target of each notice about a begun event that would be new, and due already.

    ``edited`` is as it was typed, with its member, and new or the one that is edited. Seven queries at most.
    """
    instant = now()
    events = [one for one in _events(edited) if begins_at(one, edited) <= instant]
    wishes = [one for one in timely(events, edited, steps, instant).values() if one.is_overdue]
    known = taken(wish.event.pk for wish in wishes)
    return [(wish.event.title, wish.step.target) for wish in wishes if wish.key not in known]


def _events(edited: Registration) -> Sequence[AnyEvent]:
    if edited.kind == Registration.Kind.STANDING:
        return rows_of(look(edited))
    if not edited.pk:
        return ()  # a new one begins in the future
    return list(Event.objects.filter(source=DATE_SOURCE, external_id=str(edited.pk)))
