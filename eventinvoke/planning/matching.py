"""Which registrations want which events.

A registration of one date wants the event that it is the source of, and no other. A standing one
wants the events of the source that it names (of all calendars if it names none), provided that its
member may see them (``common.sources``), that one of its fields fits its pattern, that none fits its
exclusion, and that the event's labels hold all of the registration's.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from django.db.models import Count, F, Q, Sum

from common import sources as registry
from common.patterns import PatternSet, find_all, is_valid, parts
from eventinvoke.sources import SUMMARY
from registration.models import Registration
from registration.models.registrations import title_only
from registration.sources import DATE, naming

DATE_SOURCE: Final = DATE.source()
SUMMARY_SOURCE: Final = SUMMARY.source()
_FIELDS: Final = frozenset(Registration.Field.values)
_REMEMBERED: Final = 20_000
_SHORT: Final = 500
"""Texts that are longer are not remembered; they hardly ever come twice."""

_place = attrgetter("position")

Query = tuple[str, str]
"""A pattern and its syntax."""


class EventLike(Protocol):
    """What has the columns that registrations look at: an event, or a row that was read of one."""

    @property
    def source(self) -> Any:
        """Where it comes from."""

    @property
    def external_id(self) -> Any:
        """What it is called there."""

    @property
    def title(self) -> Any:
        """One of the texts; the others are looked up when a registration names them."""

    @property
    def labels(self) -> Any:
        """What else is known of it, by name."""


class RegistrationLike(Protocol):
    """What says how to look for an event: a registration, also one that is being typed."""

    pattern: Any
    syntax: Any
    fields: Any


E = TypeVar("E", bound=EventLike)


def registrations_for(events: Sequence[EventLike]) -> list[Registration]:
    """Return the registrations in force that could want one of these events."""
    sources = {event.source for event in events}
    dates = [int(e.external_id) for e in events if e.source == DATE_SOURCE and e.external_id.isdigit()]
    found = Registration.objects.in_force().filter(_looks_at(sources, dates)).select_related("member")
    return list(found.order_by("pk"))


def state_of(sources: Collection[str]) -> tuple[int, ...]:
    """Return what changes with every change of the standing registrations that look at these sources.

    The database adds up keys and versions: of 20,000 registrations that is one row. An account that is switched off
    or on raises the versions too.
    """
    rows = Registration.objects.filter(_looks_at(sources, ()))
    sums = (Count("pk"), Sum("pk"), Sum("version"), Sum(F("pk") * F("version")))
    found = rows.aggregate(**{f"sum{place}": one for place, one in enumerate(sums)})
    return tuple(int(value or 0) for value in found.values())


def _looks_at(sources: Collection[str], dates: Collection[int]) -> Q:
    return Q(kind=Registration.Kind.DATE, pk__in=dates) | naming(sources)


def looked_at_by(registrations: Iterable[Registration]) -> Q:
    """Return the condition of events whose source one of the registrations looks at."""
    wanted = Q(pk__in=[])
    for one in registrations:
        if one.kind == Registration.Kind.DATE:
            wanted |= Q(source=DATE_SOURCE, external_id=str(one.pk))
        elif one.named_source:
            wanted |= Q(source=one.named_source)
        else:
            for kind in registry.registry().values():
                if kind.is_in_all:
                    wanted |= Q(source__startswith=kind.prefix) if kind.is_family else Q(source=kind.prefix)
    return wanted


def matching(events: Iterable[E], registrations: Sequence[Registration]) -> Iterator[tuple[E, Registration]]:
    """Yield each event with each of the registrations that wants it, in their order."""
    return Matcher(registrations).matching(events)


class Matcher:
    """Finds which of some registrations want which events; made once for any number of events.

    All patterns that are tried on one field are one RE2 set, and each distinct text is matched once.
    """

    def __init__(self, registrations: Sequence[Registration]) -> None:
        """Take the registrations; who may see a calendar is looked up when its events come."""
        self._by_date = {str(r.pk): r for r in registrations if r.kind == Registration.Kind.DATE}
        self._rules = _rules(registrations)
        self._finders = _finders(self._rules)
        self._groups: dict[str, list[_Group]] = {}

    def matching(self, events: Iterable[E]) -> Iterator[tuple[E, Registration]]:
        """Yield each event with each of the registrations that wants it, in their order."""
        by_source: dict[str, list[E]] = defaultdict(list)
        for event in events:
            by_source[event.source].append(event)
        self._meet(by_source.keys() - self._groups.keys())
        for source, some in by_source.items():
            if source == DATE_SOURCE:
                named = ((event, self._by_date.get(event.external_id)) for event in some)
                yield from (
                    (event, registration) for event, registration in named if registration is not None
                )
                continue
            groups = self._groups[source]
            for event in some:
                for rule in _fitting(event, groups):
                    if not rule.registration.labels or _has_labels(event, rule.registration):
                        yield event, rule.registration

    def _meet(self, sources: Collection[str]) -> None:
        """Find out who looks at sources that were not met before."""
        owners = registry.owners_of(sources)
        for source in sources:
            rules = [rule for rule in self._rules if _may_see(rule.registration, source, owners)]
            self._groups[source] = _groups(rules, self._finders)


def marked(registration: RegistrationLike, event: EventLike) -> list[tuple[str, int, int]]:
    """Return which parts of which fields of an event the pattern finds: field, start and end.

    Says nothing of what the registration excludes. A pattern that can't be used finds nothing.
    """
    if not is_valid(registration.pattern, registration.syntax):
        return []
    return [
        (name, start, end)
        for name in fields_of(registration)
        for start, end in find_all(registration.pattern, text_of(event, name), registration.syntax)
    ]


def text_of(event: EventLike, name: str) -> str:
    """Return the text of an event that a pattern on this field is tried on."""
    if name == Registration.Field.ORGANISER:
        return str(event.labels.get("organiser", ""))
    return str(getattr(event, name))


class _Rule(NamedTuple):
    """What a registration looks for."""

    position: int
    registration: Registration
    fields: tuple[str, ...]
    include: Query
    exclude: Query | None


def _rules(registrations: Sequence[Registration]) -> list[_Rule]:
    rules = []
    for position, one in enumerate(registrations):
        # An invalid pattern that got past the forms must not stop the other registrations.
        if one.kind == Registration.Kind.STANDING and is_valid(one.pattern, one.syntax):
            exclude = (one.exclude, one.syntax) if is_valid(one.exclude, one.syntax) else None
            rules.append(_Rule(position, one, fields_of(one), (one.pattern, one.syntax), exclude))
    return rules


def fields_of(registration: RegistrationLike) -> tuple[str, ...]:
    """Return the fields that a registration's patterns are tried on, in a fixed order."""
    chosen = registration.fields if isinstance(registration.fields, list) else []
    return tuple(sorted(_FIELDS.intersection(chosen))) or tuple(title_only())


class _Finder:
    """The queries that are tried on one field."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self._of_part: dict[str, list[Query]] = defaultdict(list)
        self._several: dict[Query, int] = {}
        for pattern, syntax in queries:
            needed = parts(pattern, syntax)
            for part in needed:
                self._of_part[part].append((pattern, syntax))
            if len(needed) > 1:
                self._several[pattern, syntax] = len(needed)
        self._parts = list(self._of_part)
        self._set = PatternSet(self._parts)
        self._known: dict[str, frozenset[Query]] = {}

    def find(self, text: str) -> frozenset[Query]:
        """Return the queries that are found in the text."""
        found = self._known.get(text)
        if found is None:
            found = self._find(text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if len(text) <= _SHORT:
                self._known[text] = found
        return found

    def _find(self, text: str) -> frozenset[Query]:
        counts: dict[Query, int] = defaultdict(int)
        for index in self._set.matches(text):
            for query in self._of_part[self._parts[index]]:
                counts[query] += 1
        return frozenset(query for query, count in counts.items() if count == self._several.get(query, 1))


@lru_cache(maxsize=8)
def _finder(queries: tuple[Query, ...]) -> _Finder:
    """Return a finder; the batches of one calendar share it, as compiling a set takes its time."""
    return _Finder(queries)


def _finders(rules: Iterable[_Rule]) -> dict[str, _Finder]:
    queries: dict[str, dict[Query, None]] = defaultdict(dict)
    for rule in rules:
        for name in rule.fields:
            queries[name][rule.include] = None
            if rule.exclude is not None:
                queries[name][rule.exclude] = None
    return {name: _finder(tuple(some)) for name, some in queries.items()}


class _Group:
    """Rules that look at the same fields."""

    def __init__(self, fields: tuple[str, ...], rules: Iterable[_Rule], finders: dict[str, _Finder]) -> None:
        self._finders = [finders[name] for name in fields]
        self._rules: dict[Query, list[_Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[rule.include].append(rule)
        self._known: dict[tuple[str, ...], list[_Rule]] = {}
        self._texts: Callable[[EventLike], tuple[str, ...]]
        if fields == (Registration.Field.TITLE,):
            title = attrgetter("title")
            self._texts = lambda event: (title(event),)
        else:
            self._texts = lambda event: tuple(text_of(event, name) for name in fields)

    def fitting(self, event: EventLike) -> list[_Rule]:
        """Return the rules that an event fits, in their order."""
        texts = self._texts(event)
        found = self._known.get(texts)
        if found is None:
            pairs = zip(self._finders, texts, strict=True)
            queries = frozenset[Query]().union(*(finder.find(text) for finder, text in pairs))
            fit = (rule for query in queries for rule in self._rules.get(query, ()))
            kept = (rule for rule in fit if rule.exclude not in queries)
            found = sorted(kept, key=_place)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if sum(map(len, texts)) <= _SHORT:
                self._known[texts] = found
        return found


def _groups(rules: Iterable[_Rule], finders: dict[str, _Finder]) -> list[_Group]:
    by_fields: dict[tuple[str, ...], list[_Rule]] = defaultdict(list)
    for rule in rules:
        by_fields[rule.fields].append(rule)
    return [_Group(fields, some, finders) for fields, some in by_fields.items()]


def _fitting(event: EventLike, groups: Sequence[_Group]) -> list[_Rule]:
    if len(groups) == 1:
        return groups[0].fitting(event)
    return sorted(chain.from_iterable(group.fitting(event) for group in groups), key=_place)


def _may_see(registration: Registration, source: str, owners: dict[str, int | None]) -> bool:
    if source not in owners or owners[source] not in {None, registration.member_id}:
        return False
    named = registration.named_source
    return named == source if named else registry.is_in_all(source)


def _has_labels(event: EventLike, registration: Registration) -> bool:
    return all(event.labels.get(name) == value for name, value in registration.labels.items())
