"""Time zones of a feed: from the producer's name of a zone to its rules.

Producers use IANA names, Windows names, names of their own with a VTIMEZONE, and names without any
rules. Where the name identifies an IANA zone, its rules are preferred to the VTIMEZONE's: they cover
all years and are kept up to date.

Zones are cached per calendar, as two calendars may define “Custom” differently.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from eventupdate.lines import Zone
from eventupdate.vtimezone import zone_of_rules
from eventupdate.work import Work

_ABBREVIATION: Final = re.compile(r"[A-Z]{2,5}")
_SHOWN: Final = re.compile(r"\(((?:UTC|GMT)[^)]*)\)\s*(.+)", re.IGNORECASE)
"""A zone as Windows displays it: “(UTC+01:00) Amsterdam, Berlin, Bern”."""
_OFFSET: Final = re.compile(r"(?:UTC|GMT|Z)?\s?([+\-\u2212])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_FIXED: Final = re.compile(r"([+-])(\d\d):(\d\d)")
_LONGEST_NAME: Final = 200
_MAX_HOURS: Final = 14
_MAX_MINUTES: Final = 59
_OTHERS: Final[Mapping[str, str]] = {
    "z": "UTC",
    "utc time": "UTC",
    "coordinated universal time": "UTC",
    "greenwich mean time": "UTC",
    # Names that Windows displays without the offset, older Outlooks and Notes.
    "western/central europe": "Europe/Berlin",
    "western europe": "Europe/Berlin",
    "w. europe": "Europe/Berlin",
    "central europe": "Europe/Berlin",
    "central european": "Europe/Berlin",
    "central european time": "Europe/Berlin",
    "central european standard time": "Europe/Berlin",
    "eastern europe": "Europe/Bucharest",
    "us/pacific-new": "America/Los_Angeles",
    "us & canada": "America/New_York",
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "singapore standard time": "Asia/Singapore",
    "malay peninsula standard time": "Asia/Singapore",
}
"""Names that are no IANA name and none of Windows' keys, in lower case."""


class Zones:
    """The time zones of one calendar."""

    def __init__(self, zones: Iterable[Zone], names: Sequence[str], work: Work | None = None) -> None:
        """Take the calendar's VTIMEZONEs, the names of its own zone, of which the first known one counts, and its steps."""
        self._work = work or Work()
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
            return zone_of_rules(defined, self._work.share())
        except ValueError:
            if found := _named(iana_name(tzid)):
                return found
            raise


def _named(name: str) -> tzinfo | None:
    """Return the zone of an IANA name or of a fixed offset ("+01:00"), None for ""."""
    if not name:
        return None
    if name == "UTC":
        return UTC
    offset = _FIXED.fullmatch(name)
    if offset is None:
        return ZoneInfo(name)
    distance = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    return timezone(-distance if offset[1] == "-" else distance)


def needs_rules(tzid: str) -> bool:
    """Say whether the rules of a VTIMEZONE are needed.

    They are for an unknown name, and for an abbreviation or an offset: vobject (and so pretalx) calls New York
    "EST" with summer time, which IANA's EST does not have. Names that only old programs use are a guess.
    """
    known = iana_name(tzid)
    if not known or _FIXED.fullmatch(known) or tzid.strip().lower() in _OTHERS:
        return True
    return tzid != "UTC" and _ABBREVIATION.fullmatch(tzid) is not None


def iana_name(name: str) -> str:
    """Return the IANA name for a producer's name of a zone, a fixed offset ("+01:00"), or ""."""
    name = " ".join(name.strip().strip("\"'").strip("/").split())
    if not name or len(name) > _LONGEST_NAME:
        return ""
    return _plain_name(name) or _in_path(name) or _offset_name(name) or _from_shown(name)


def _plain_name(name: str) -> str:
    """Return the IANA name for one of IANA, of Windows, of Lotus or another known one."""
    key = name.lower()
    found = _iana_names().get(key) or _iana_names().get(key.replace(" ", "_"))
    return found or _windows_names().get(key) or _OTHERS.get(key, "")


def _in_path(name: str) -> str:
    """Return the IANA name at the end of a globally unique name (RFC 5545 section 3.2.19).

    For example "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "tzone://Microsoft/Utc".
    """
    parts = name.split("/")
    for start in range(1, len(parts)):
        # A last part without an area ("/x/Berlin") is too little, but for UTC.
        if start == len(parts) - 1 and parts[start].lower() not in {"utc", "gmt", "zulu"}:
            found = _windows_names().get(parts[start].lower(), "")
        else:
            found = _plain_name("/".join(parts[start:]))
        if found:
            return found
    return ""


def _offset_name(name: str) -> str:
    """Return the fixed offset that a name like "UTC+01", "GMT-0330" or "+02:00" is, or ""."""
    found = _OFFSET.fullmatch(name)
    if found is None:
        return ""
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > _MAX_HOURS or minutes > _MAX_MINUTES:
        return ""
    sign = "+" if found[1] == "+" else "-"
    return f"{sign}{hours:02}:{minutes:02}" if hours or minutes else "UTC"


def _from_shown(name: str) -> str:
    """Return the zone of a name as Windows or Outlook displays it, or ""."""
    shown = _SHOWN.fullmatch(name)
    text = shown[2] if shown else name
    # "GMT Standard Time 1" is Outlook's copy of "GMT Standard Time".
    text = re.sub(r"\s+(?:\d{1,3}|\(\d{1,3}\))$", "", text)
    standard = re.sub(
        r"\b(?:Standard |Daylight |Summer )?Time\b.*", "Standard Time", text, flags=re.IGNORECASE
    )
    for candidate in (text, standard, f"{text} Standard Time"):
        if found := _plain_name(candidate):
            return found
    if shown is None and "," not in text:
        return ""
    cities = _cities()
    words = (re.sub(r"\s*\(.*\)", "", word).strip().lower().replace(" ", "_") for word in text.split(","))
    city = next((cities[word] for word in words if word in cities), "")
    return city or (_offset_name(shown[1].replace(".", ":")) if shown else "")


@cache
def _iana_names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


@cache
def _windows_names() -> dict[str, str]:
    return {name.lower(): known for name, known in WINDOWS_TO_OLSON.items()}


@cache
def _cities() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted(available_timezones()):
        if "/" in name and not name.startswith("Etc/"):
            found.setdefault(name.rpartition("/")[2].lower(), name)
    return found
