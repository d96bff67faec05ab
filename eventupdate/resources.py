"""Splitting a feed into resources, and the names of resources and series."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from eventupdate.lines import Feed, Lines, Zone, value_of
from eventupdate.properties import Property
from eventupdate.reading import Resource
from eventupdate.zones import needs_rules

_INSTANT: Final = re.compile(r"(?:EXDATE|RDATE|DTEND|RECURRENCE-ID|RRULE|EXRULE)[;:].*\dZ", re.IGNORECASE)
_DATE_LENGTH: Final = 8
_KEY_LENGTH: Final = 255
_UID_LENGTH: Final = 200
_GOOGLE: Final = "@google.com"
"""Google's iCalendar files append this to an event's id, which is all that its API gives."""


def resources_of(feed: Feed) -> list[Resource]:
    """Return a resource for each UID of a feed, with the time zone rules that it needs.

    DTSTAMP and alarms are not part of the text or of its version: Google writes a new DTSTAMP into
    every response.
    """
    groups: dict[str, list[Lines]] = defaultdict(list)
    for lines in feed.entries:
        groups[uid_of(lines)].append(lines)
    defined = {zone.tzid: zone for zone in feed.zones}
    own = feed.time_zone if feed.time_zone in defined else ""
    resources = []
    for uid, group in groups.items():
        text = _text(group, _needed(group, defined, own) if defined else ())
        resources.append(Resource(key_of(uid), uid, sha256(text.encode()).hexdigest(), text))
    return resources


def key_of(name: str) -> str:
    """Return a key that fits the column: the source's name of a resource, or its hash."""
    return name if len(name) <= _KEY_LENGTH else sha256(name.encode()).hexdigest()


def uid_key(uid: str) -> str:
    """Return the part of an event's external id that stands for the UID: itself, or a hash of a long one."""
    return uid if len(uid) <= _UID_LENGTH else sha256(uid.encode()).hexdigest()


def series_of(uid: str) -> str:
    """Return the name of a series: the same for a UID in all calendars, 32 characters.

    It can be computed from an external id too, which holds ``uid_key``.
    """
    return sha256(uid_key(uid).removesuffix(_GOOGLE).encode()).hexdigest()[:32]


def uid_of(lines: Lines) -> str:
    """Return an entry's UID; without one a hash of its start and title."""
    uid = value_of(lines, "UID")
    if uid:
        return uid
    text = f"{value_of(lines, 'DTSTART')} {value_of(lines, 'SUMMARY')}"
    return f"no-uid-{sha256(text.encode()).hexdigest()[:32]}"


def zone_names(lines: Lines) -> set[str]:
    """Return the names of the zones of an entry's times."""
    # A time has no colon, but a zone's name may: split at the last one.
    return {Property(line.rpartition(":")[0], "").zone for line in lines if ";TZID=" in line.upper()}


def _needed(group: Iterable[Lines], defined: dict[str, Zone], own: str) -> Iterator[Zone]:
    """Yield the zones whose rules the entries need, and without rules those that explain an instant."""
    names = {own}
    are_all_meant = False
    for lines in group:
        names |= zone_names(lines)
        are_all_meant = are_all_meant or _has_instants_for_days(lines)
    for tzid, zone in defined.items():
        if needs_rules(tzid):
            if are_all_meant or tzid in names:
                yield zone
        elif are_all_meant:
            yield Zone(tzid, "", (f"TZID:{tzid}",))


def _has_instants_for_days(lines: Lines) -> bool:
    """Say whether an all-day entry has an end or a change of its series that is written in UTC."""
    start = value_of(lines, "DTSTART")
    return len(start) == _DATE_LENGTH and any(_INSTANT.match(line) for line in lines)


def _text(group: Iterable[Lines], zones: Iterable[Zone]) -> str:
    lines: Lines = []
    for zone in zones:
        lines += ["BEGIN:VTIMEZONE", *zone.lines, "END:VTIMEZONE"]
    for entry in group:
        lines += ["BEGIN:VEVENT", *entry, "END:VEVENT"]
    return "\n".join(lines)
