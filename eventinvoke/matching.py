"""Which registrations want which events.

A registration of one date wants the event that it is the source of, and no other. A standing one
wants the events of the calendars that its member may see (or of the one that it names, or of the
source that it names) whose title its pattern finds and whose labels hold all of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.db.models import Prefetch, Q

from common.patterns import PatternSet, is_valid
from eventinvoke.models import Event
from registration.models import Calendar, Registration, Step

DATE_SOURCE: Final = "registration"
CALENDAR_PREFIX: Final = "calendar:"


def registrations_for(events: Sequence[Event]) -> list[Registration]:
    """Return the registrations in force that could want one of these events, with their steps."""
    sources = {event.source for event in events}
    dates = [int(e.external_id) for e in events if e.source == DATE_SOURCE and e.external_id.isdigit()]
    wanted = Q(kind=Registration.Kind.DATE, pk__in=dates)
    standing = Q(calendar__isnull=True, source__in=sources)
    if calendars := [int(s.removeprefix(CALENDAR_PREFIX)) for s in sources if s.startswith(CALENDAR_PREFIX)]:
        standing |= Q(calendar_id__in=calendars) | Q(calendar__isnull=True, source="")
    wanted |= Q(kind=Registration.Kind.STANDING) & standing
    steps = Prefetch("steps", Step.objects.select_related("target"))
    return list(Registration.objects.in_force().filter(wanted).prefetch_related(steps).order_by("pk"))


def matching(
    events: Iterable[Event], registrations: Sequence[Registration]
) -> Iterator[tuple[Event, Registration]]:
    """Yield each event with each of the registrations that wants it.

    The patterns that a source's events are tried against are one RE2 set, and each distinct title
    is matched once.
    """
    by_date = {str(r.pk): r for r in registrations if r.kind == Registration.Kind.DATE}
    standing = [r for r in registrations if r.kind == Registration.Kind.STANDING]
    by_source: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_source[event.source].append(event)
    owners = _owners(by_source)
    for source, some in by_source.items():
        if source == DATE_SOURCE:
            yield from ((event, by_date[event.external_id]) for event in some if event.external_id in by_date)
            continue
        # A pattern that got past the forms must not keep everybody else from being told.
        candidates = [r for r in standing if _may_see(r, source, owners) and is_valid(r.pattern)]
        found = PatternSet([r.pattern for r in candidates]).matches_of(event.title for event in some)
        for event in some:
            for index in found[event.title]:
                if _has_labels(event, candidates[index]):
                    yield event, candidates[index]


def _owners(sources: Iterable[str]) -> dict[str, int | None]:
    pks = [int(s.removeprefix(CALENDAR_PREFIX)) for s in sources if s.startswith(CALENDAR_PREFIX)]
    rows = Calendar.objects.filter(pk__in=pks).values_list("pk", "owner_id") if pks else []
    return {f"{CALENDAR_PREFIX}{pk}": owner for pk, owner in rows}


def _may_see(registration: Registration, source: str, owners: dict[str, int | None]) -> bool:
    if not source.startswith(CALENDAR_PREFIX):
        return registration.calendar_id is None and registration.source == source
    if source not in owners or owners[source] not in {None, registration.member_id}:
        return False
    if registration.calendar_id is None:
        return registration.source == ""
    return source == f"{CALENDAR_PREFIX}{registration.calendar_id}"


def _has_labels(event: Event, registration: Registration) -> bool:
    return all(event.labels.get(name) == value for name, value in registration.labels.items())
