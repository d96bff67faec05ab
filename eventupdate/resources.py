"""Splitting a feed into resources, and the names of resources and series."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Final

from eventupdate.competing import Competitor, current
from eventupdate.lines import Feed, Lines, Zone, value_of
from eventupdate.properties import Property
from eventupdate.reading import Resource
from eventupdate.zones import needs_rules

_INSTANT: Final = re.compile(r"(?:EXDATE|RDATE|DTEND|RECURRENCE-ID|RRULE|EXRULE)[;:].*\dZ", re.IGNORECASE)
_DATE_LENGTH: Final = 8
_MEANT: Final = 20
"""At most so many VTIMEZONEs explain an instant."""
_KEY_LENGTH: Final = 255
_UID_LENGTH: Final = 200
_GOOGLE: Final = "@google.com"
"""Google's iCalendar files append this to an event's id, which is all that its API gives."""


def resources_of(feed: Feed) -> list[Resource]:
    """Return a resource for each UID of a feed, with the time zone rules that it needs.

    DTSTAMP and alarms are not part of the text or of its version: Google writes a new DTSTAMP into
    every response.
    """
    resources = []
    everywhere = {zone.tzid: zone for zone in feed.zones}
    # By the place of the first entry: of the VCALENDARs with one such place only the last has entries.
    zones = {part.entries.start: {zone.tzid: zone for zone in part.zones} for part in feed.parts}
    for uid, (first, *rest) in _grouped(feed).items():
        part = first.part
        group = current([first, *rest]) if rest else [first]
        lines = [entry.lines for entry in group]
        own = zones[part.entries.start]
        needed = _needed(lines, own, everywhere, part.time_zone) if everywhere else ()
        text = _text(lines, needed)
        if part.time_zone != feed.time_zone:
            text = f"X-WR-TIMEZONE:{part.time_zone or 'UTC'}\n{text}"
        resources.append(Resource(key_of(uid), uid, sha256(text.encode()).hexdigest(), text))
    return resources


def _grouped(feed: Feed) -> dict[str, list[Competitor]]:
    groups: dict[str, list[Competitor]] = defaultdict(list)
    for part in feed.parts:
        for place in part.entries:
            lines = feed.entries[place]
            groups[uid_of(lines)].append(Competitor(lines, feed.stamps[place], part))
    return groups


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


def _needed(
    group: Iterable[Lines], own: Mapping[str, Zone], others: Mapping[str, Zone], default: str
) -> Iterator[Zone]:
    """Yield the zones whose rules the entries need, and without rules those that explain an instant."""
    names = {default}
    are_all_meant = False
    for lines in group:
        names |= zone_names(lines)
        are_all_meant = are_all_meant or _has_instants_for_days(lines)
    if are_all_meant:
        names |= set(islice(own or others, _MEANT))
    for tzid in sorted(names):
        zone = own.get(tzid) or others.get(tzid)
        if zone is not None and needs_rules(tzid):
            yield zone
        elif zone is not None and are_all_meant:
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
