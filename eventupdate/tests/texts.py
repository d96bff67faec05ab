"""Calendars for tests, as text."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from eventupdate.expand import Expander, Occurrence, Window, window_at
from eventupdate.lines import Feed, read_feed
from eventupdate.resources import resources_of
from eventupdate.store import Said, summary

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = window_at(AT, 60)

NEW_YORK_ZONE = """\
BEGIN:VTIMEZONE
TZID:Our office
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
END:VTIMEZONE"""


def entry(*lines: str, uid: str = "one@test", title: str = "PFS telecon") -> str:
    """Return a VEVENT of these lines."""
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT"])


def single(start: str = "20261124T090000Z", uid: str = "one@test", title: str = "PFS telecon") -> str:
    """Return a VEVENT that takes place once, for half an hour."""
    return entry(f"DTSTART:{start}", "DURATION:PT30M", uid=uid, title=title)


def calendar(*parts: str) -> str:
    """Return a VCALENDAR of these components and properties."""
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *parts, "END:VCALENDAR", ""])
    return text.replace("\n", "\r\n")


@dataclass
class Expansion:
    """What a feed says about a window."""

    occurrences: list[Occurrence] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    unknown_zones: list[str] = field(default_factory=list)
    problem: str = ""


def expand(feed: Feed, window: Window, zone: str = "") -> Expansion:
    """Return what a feed says about the window, sorted by start."""
    found = Expansion()
    said = {}
    expander = Expander([zone, feed.time_zone])
    for resource in resources_of(feed):
        one = expander.expand(resource.uid, [resource.text], window)
        found.occurrences += one.occurrences
        found.broken |= {resource.uid: one.problem} if one.problem else {}
        found.unknown_zones += [one.unknown_zone] if one.unknown_zone else []
        said[resource.key] = Said(one.problem, one.note, one.unknown_zone)
    found.occurrences.sort(key=lambda o: (o.starts_at, o.external_id))
    found.problem = summary(said)
    return found


def expanded(*parts: str, window: Window = WINDOW, zone: str = "") -> Expansion:
    """Return what a calendar of these parts says about the window."""
    return expand(read_feed(calendar(*parts).encode()), window, zone)


def occurrences(*parts: str, window: Window = WINDOW, zone: str = "") -> list[Occurrence]:
    """Return the occurrences of a calendar in which nothing may be broken."""
    expansion = expanded(*parts, window=window, zone=zone)
    assert not expansion.broken
    return expansion.occurrences


def starts(*parts: str, window: Window = WINDOW, zone: str = "") -> list[str]:
    """Return the starts of the occurrences, in UTC, as "2026-11-24 09:00"."""
    return [f"{o.starts_at:%Y-%m-%d %H:%M}" for o in occurrences(*parts, window=window, zone=zone)]


def window(start: str, stop: str) -> Window:
    """Return a window between two days."""
    return Window(
        datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(stop).replace(tzinfo=UTC)
    )
