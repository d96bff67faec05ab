"""Time zones of a feed: from the producer's name of a zone to its rules.

Producers use IANA names, Windows names, names of their own with a VTIMEZONE, and names without any
rules. Where the name identifies an IANA zone, its rules are preferred to the VTIMEZONE's: they cover
all years and are kept up to date.

Zones are cached per calendar, as two calendars may define “Custom” differently.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache
from io import StringIO
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from dateutil.tz import tzical
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from eventupdate.lines import Zone, property_name

_ABBREVIATION: Final = re.compile(r"[A-Z]{2,5}")
_SHOWN: Final = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*(.+)")
"""A zone as Windows displays it: “(UTC+01:00) Amsterdam, Berlin, Bern”."""


class Zones:
    """The time zones of one calendar."""

    def __init__(self, zones: Iterable[Zone], names: Sequence[str]) -> None:
        """Take the calendar's VTIMEZONEs, and the names of its own zone; the first known one counts."""
        self._defined = {zone.tzid: zone for zone in zones}
        self._found: dict[str, tzinfo] = {}
        self._unknown: set[str] = set()
        self.missed = ""
        """The last unknown name that was asked for; the caller clears it before."""
        self.own = next((zone for name in names if (zone := self._look_up(name)) is not None), None)
        self.default: tzinfo = self.own or UTC

    def find(self, tzid: str) -> tzinfo:
        """Return the zone of that name; the calendar's own if the name is unknown.

        Raises ``ValueError`` for a name whose VTIMEZONE can't be read.
        """
        zone = self._found.get(tzid)
        if zone is None:
            zone = self._look_up(tzid)
            if zone is None:
                self._unknown.add(tzid)
                zone = self.default
            self._found[tzid] = zone
        if tzid in self._unknown:
            self.missed = tzid
        return zone

    def day_of(self, instant: datetime) -> date:
        """Return the date that a producer wrote as an instant in UTC, which mostly is a local midnight.

        It is a midnight in UTC, else in the calendar's own zone, else in one of the VTIMEZONEs; if it is
        none, its date in the calendar's zone counts.
        """
        if instant.time() == time.min:
            return instant.date()
        zones = [self.own] if self.own else []
        for tzid in self._defined:
            try:
                zone = self._look_up(tzid)
            except ValueError:
                continue
            zones += [zone] if zone else []
        found = [instant.astimezone(zone) for zone in zones]
        midnights = (local for local in found if local.time() == time.min)
        return next(midnights, found[0] if found else instant).date()

    def _look_up(self, tzid: str) -> tzinfo | None:
        defined = self._defined.get(tzid)
        if defined is None or not needs_rules(tzid):
            return _named(iana_name(tzid))
        place = _named(iana_name(defined.location))
        if place is not None:
            return place
        try:
            return _from_rules(defined)
        except ValueError:
            if found := _named(iana_name(tzid)):
                return found
            raise


def _named(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, None for ""."""
    if not name:
        return None
    return UTC if name == "UTC" else ZoneInfo(name)


def needs_rules(tzid: str) -> bool:
    """Say whether the rules of a VTIMEZONE are needed.

    They are for an unknown name, and for an abbreviation: vobject (and so pretalx) calls New York "EST"
    with summer time, which IANA's EST does not have.
    """
    return not iana_name(tzid) or (tzid != "UTC" and _ABBREVIATION.fullmatch(tzid) is not None)


def iana_name(name: str) -> str:
    """Return the IANA name for a producer's name of a zone, or ""."""
    name = name.strip().strip('"').strip("/")
    known = _iana_names()
    if not name:
        return ""
    if name.lower() in known:
        return known[name.lower()]
    if name in WINDOWS_TO_OLSON:
        return WINDOWS_TO_OLSON[name]
    # A globally unique name ends with the IANA name (RFC 5545 section 3.2.19):
    # "/freeassociation.sourceforge.net/Europe/Berlin".
    parts = name.lower().split("/")
    for start in range(1, len(parts) - 1):
        if "/".join(parts[start:]) in known:
            return known["/".join(parts[start:])]
    shown = _SHOWN.fullmatch(name)
    return _from_shown(shown[1]) if shown else ""


def _from_shown(text: str) -> str:
    windows = re.sub(r" Time\b.*", " Standard Time", text)
    if windows in WINDOWS_TO_OLSON:
        return WINDOWS_TO_OLSON[windows]
    cities = _cities()
    words = (word.strip().lower().replace(" ", "_") for word in text.split(","))
    return next((cities[word] for word in words if word in cities), "")


@cache
def _iana_names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


@cache
def _cities() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted(available_timezones()):
        if "/" in name and not name.startswith("Etc/"):
            found.setdefault(name.rpartition("/")[2].lower(), name)
    return found


def _from_rules(zone: Zone) -> tzinfo:
    """Return a zone made of all rules of a VTIMEZONE."""
    lines = ["BEGIN:VTIMEZONE", "TZID:zone", *(_plain(line) for line in zone.lines), "END:VTIMEZONE"]
    try:
        made: tzinfo | None = tzical(StringIO("\r\n".join(line for line in lines if line) + "\r\n")).get()
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        made = None
    if made is None:
        msg = f"the rules of the time zone “{zone.tzid[:80]}” can't be read"
        raise ValueError(msg)
    return made


def _plain(line: str) -> str:
    """Return a line in the form that dateutil reads: no parameters, and a start with a time."""
    name, value = property_name(line), line.partition(":")[2].strip()
    if name in {"TZID", "X-LIC-LOCATION"}:
        return ""
    if name == "DTSTART":
        value = value.rstrip("Zz")
        return f"DTSTART:{value}" if "T" in value.upper() else f"DTSTART:{value}T000000"
    return f"{name}:{value}"
