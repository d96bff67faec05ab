"""What a source of events is: its name, who may see its events, and what a person calls it.

Every event names its source: "calendar:3", "system". A ``SourceKind`` describes all sources of one
kind. The kinds are listed in the setting ``NOTICE_SOURCES`` by their dotted paths, so that an app adds
one without any change in planning or in the pages. Events of a source whose kind is not listed are
found by no registration.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string

_PREFIX: Final = re.compile(r"[a-z][a-z0-9_-]*:?")


class Source(NamedTuple):
    """One source as a person reads it, and its owner."""

    name: str
    """As events and registrations name it: "calendar:3"."""
    label: str
    owner: int | None = None
    """The key of the one member who may see its events; None: every member may."""


Find = Callable[[Collection[str]], Iterable[Source]]
Offer = Callable[[int | None], Iterable[Source]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """All sources whose names begin with one prefix ("calendar:"), or a single one ("system")."""

    prefix: str
    """Lower case. It ends in a colon where there are several sources, whose keys follow it."""
    label: str
    """What a person calls the sources of this kind: "Calendars", "System messages"."""
    find: Find | None = None
    """Look up sources of this kind by their names; those left out are hidden from all members.

    Needed where there are several. None: the single source belongs to all members.
    """
    offer: Offer | None = None
    """List the sources that a member (by key) may see, or all of them for None. Needed where there are several."""
    may_be_named: bool = True
    """Standing registrations may look for events of it."""
    is_for_staff: bool = False
    """Only the staff is offered it, and only the staff opens its events without having been told of them."""
    is_in_all: bool = False
    """A registration that names no source looks at it."""
    has_twins: bool = False
    """Its events may be the same meetings as events of other sources."""
    is_direct: bool = False
    """The members concerned are told directly; the event's description is the whole text."""
    page: str = ""
    """The URL name of a source's own page, which takes its key; "" where there is none."""

    @property
    def is_family(self) -> bool:
        """Whether there are several sources of this kind."""
        return self.prefix.endswith(":")

    def source(self, key: object = "") -> str:
        """Return the name of one of its sources: that of ``key``, or the single one's."""
        return f"{self.prefix}{key}"

    def key_of(self, name: str) -> int | None:
        """Return the number in a source's name; None where it is of another kind or has none."""
        key = name.removeprefix(self.prefix)
        return int(key) if key != name and key.isascii() and key.isdecimal() else None

    def keys_of(self, names: Iterable[str]) -> set[int]:
        """Return the numbers in those of the names that are of this kind."""
        return {key for key in map(self.key_of, names) if key is not None}

    def found(self, names: Collection[str]) -> Iterable[Source]:
        """Return what there is of these names, all of this kind."""
        return self.find(names) if self.find is not None else [Source(name, self.label) for name in names]

    def offered(self, member: int | None) -> Iterable[Source]:
        """Return the sources that a member may see; all of them for None."""
        return self.offer(member) if self.offer is not None else [Source(self.prefix, self.label)]


@cache
def registry() -> Mapping[str, SourceKind]:
    """Return the kinds of the setting ``NOTICE_SOURCES`` by prefix, in its order, made once a process.

    Raises ``ImportError`` for a path that can't be imported, ``TypeError`` for an object that is no
    ``SourceKind`` and ``ValueError`` for a prefix that is malformed or listed twice, and for a kind of
    several sources that can't look them up.
    """
    kinds: dict[str, SourceKind] = {}
    for path in settings.NOTICE_SOURCES:
        kind = import_string(path)
        if not isinstance(kind, SourceKind):
            msg = f"{path} is not a common.sources.SourceKind"
            raise TypeError(msg)
        if not _PREFIX.fullmatch(kind.prefix):
            msg = f"{path} has the malformed prefix {kind.prefix!r}"
            raise ValueError(msg)
        if kind.is_family != (kind.find is not None) or kind.is_family != (kind.offer is not None):
            msg = f"{path} needs find and offer if, and only if, its prefix ends in a colon"
            raise ValueError(msg)
        if kind.prefix in kinds:
            msg = f"two kinds of sources have the prefix {kind.prefix!r}; the second is {path}"
            raise ValueError(msg)
        kinds[kind.prefix] = kind
    return kinds


def kind_of(name: str) -> SourceKind | None:
    """Return the kind of a source; None where it is not listed."""
    word, colon, _key = name.partition(":")
    return registry().get(word + colon)


def is_direct(name: str) -> bool:
    """Say whether members are told directly of a source's events."""
    kind = kind_of(name)
    return kind is not None and kind.is_direct


def has_twins(name: str) -> bool:
    """Say whether a source's events may be the same meetings as those of other sources."""
    kind = kind_of(name)
    return kind is not None and kind.has_twins


def may_be_named(name: str) -> bool:
    """Say whether standing registrations may look for a source's events."""
    kind = kind_of(name)
    return kind is not None and kind.may_be_named


def is_in_all(name: str) -> bool:
    """Say whether a registration that names no source looks at this one."""
    kind = kind_of(name)
    return kind is not None and kind.is_in_all


def look_up(names: Iterable[str]) -> dict[str, Source]:
    """Return what there is of these sources by name; at most one query a kind."""
    by_kind: dict[str, list[str]] = {}
    for name in set(names):
        if (kind := kind_of(name)) is not None:
            by_kind.setdefault(kind.prefix, []).append(name)
    kinds = registry()
    return {one.name: one for prefix, some in by_kind.items() for one in kinds[prefix].found(some)}


def names_of(names: Iterable[str]) -> dict[str, str]:
    """Return what a person calls those of the sources of whose kind there are several."""
    found = look_up(name for name in names if ":" in name)
    return {name: one.label for name, one in found.items()}


def owners_of(names: Iterable[str]) -> dict[str, int | None]:
    """Return who may see the events of sources: a member's key, or None for all; hidden ones are left out."""
    return {one.name: one.owner for one in look_up(filter(may_be_named, names)).values()}


def may_see(name: str, member: int) -> bool:
    """Say whether a member may see the events of a source, and register for them."""
    return owners_of([name]).get(name, -1) in {None, member}


def offered(member: int | None) -> list[Source]:
    """Return the sources whose notices a member may mute; those of all members for None (the staff)."""
    return [one for kind in registry().values() if not kind.is_direct for one in kind.offered(member)]


def looked_at_by_default(member: int) -> list[Source]:
    """Return the sources that a member's registration looks at where it names none."""
    return [one for kind in registry().values() if kind.is_in_all for one in kind.offered(member)]


def nameable(member: int | None, apart_from: SourceKind) -> list[Source]:
    """Return the sources that a member's registration may name, but for one kind; None asks for the staff's."""
    return [
        one
        for kind in registry().values()
        if kind.may_be_named and kind is not apart_from and (member is None or not kind.is_for_staff)
        for one in kind.offered(member)
    ]
