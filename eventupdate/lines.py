"""Splitting the text of an iCalendar feed into components, before any value is read.

An error page or a truncated feed is recognised here, before anything is compared with stored
entries. Only the properties that a notice needs are kept: a malformed alarm then does no harm, and
most of the parsing time is saved.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from common.errors import FeedError
from eventupdate.decoding import text_of, unfolded

MAX_BYTES: Final = 20_000_000
"""Most bytes of a feed after decompression."""
MAX_ENTRIES: Final = 50_000
_MAX_DEPTH: Final = 10

MALFORMED: Final = "X-MALFORMED"
"""Our own property in place of a component whose lines can't be trusted; its value says why."""

Lines = list[str]

_KEPT: Final[dict[str, frozenset[str]]] = {
    "VCALENDAR": frozenset({"X-WR-TIMEZONE", "CALSCALE", "METHOD"}),
    "VEVENT": frozenset({
        "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID",
        "SEQUENCE", "SUMMARY", "DESCRIPTION", "LOCATION", "URL", "STATUS", "ORGANIZER", "CATEGORIES", "CONFERENCE",
        "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "ATTENDEE", "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS", "DTSTAMP", MALFORMED,
    }),
    "VTIMEZONE": frozenset({"TZID", "X-LIC-LOCATION"}),
    "STANDARD": frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE", "TZNAME"}),
    "DAYLIGHT": frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE", "TZNAME"}),
}  # fmt: skip
_OF_CALENDAR: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"})
"""Components that are never inside of each other."""
_PARENT: Final = {
    "VEVENT": "VCALENDAR",
    "VTIMEZONE": "VCALENDAR",
    "STANDARD": "VTIMEZONE",
    "DAYLIGHT": "VTIMEZONE",
}
_NAME: Final = re.compile(r"([A-Za-z0-9-]+)[;:]")
_LINE: Final = re.compile(r"[^\n]+")
MAX_DATES: Final = 5000
"""RDATEs and EXDATEs of one entry, at most."""
_MAX_LINE: Final = 200_000
"""The characters that are read of a line: more than ``MAX_DATES`` dates with their lengths have."""
_MAX_KEPT: Final = 20_000
"""Most lines of one component, more than an entry can have."""
_MAX_LINES: Final = 1_500_000
"""Most lines that are kept of a feed: 30 of each of ``MAX_ENTRIES``."""
_REPEATED: Final = {
    "RDATE": MAX_DATES + 1,
    "EXDATE": MAX_DATES + 1,
    "RRULE": 100,
    "EXRULE": 100,
    "ATTENDEE": 200,
}
"""How often a property is kept of a component; of others the first counts."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A VTIMEZONE: its TZID, its X-LIC-LOCATION (an IANA name by libical), and its lines."""

    tzid: str
    location: str
    lines: tuple[str, ...]


class Part(NamedTuple):
    """One of several VCALENDARs of a feed."""

    time_zone: str
    """The value of its X-WR-TIMEZONE."""
    entries: range
    """The places of its entries among those of the feed."""
    zones: Sequence[Zone]


@dataclass(slots=True)
class Feed:
    """A feed with a valid structure; its values have not been read yet."""

    time_zone: str = ""
    """The value of X-WR-TIMEZONE of its first VCALENDAR."""
    entries: list[Lines] = field(default_factory=list)
    """The kept lines of every VEVENT, unfolded, without BEGIN, END and DTSTAMP."""
    stamps: list[str] = field(default_factory=list)
    """The DTSTAMP of every VEVENT, or ""."""
    zones: list[Zone] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def read_feed(content: bytes, charset: str = "") -> Feed:
    """Split a feed into components. ``charset`` is the server's, used where UTF-8 fails.

    Raises ``FeedError`` for content that is not a calendar (a web page, a binary file, no text), for a
    truncated calendar, and for more than ``MAX_ENTRIES`` entries.
    """
    if len(content) > MAX_BYTES:
        msg = f"The calendar is larger than {MAX_BYTES // 1_000_000} MB."
        raise FeedError(msg)
    text = text_of(content, charset)
    spans = (match.span() for match in _LINE.finditer(text))
    found = (text[first : min(end, first + _MAX_LINE)] for first, end in spans)
    return _Reader().read(line for line in found if line.strip())


def read_blocks(text: str) -> Feed:
    """Split the text of a resource: VEVENTs and VTIMEZONEs without a VCALENDAR around them.

    Raises ``FeedError`` for truncated text.
    """
    return _Reader().read(iter(["BEGIN:VCALENDAR", *_unfolded(text), "END:VCALENDAR"]))


def _unfolded(text: str) -> list[str]:
    if "\r" not in text and "\n " not in text and "\n\t" not in text:
        return [line for line in text.split("\n") if line]  # the form that ``resources`` writes
    raw = unfolded(text.encode(errors="surrogatepass"))
    return [line for line in raw.decode(errors="surrogatepass").split("\n") if line.strip()]


def property_name(line: str) -> str:
    """Return the name of a line's property in upper case, "" where the line has none."""
    found = _NAME.match(line)
    return found[1].upper() if found else ""


def value_of(lines: Sequence[str], name: str) -> str:
    """Return the text after the first colon of the first line of that name, or ""."""
    for line in lines:
        if property_name(line) == name:
            return line.partition(":")[2].strip()
    return ""


class _Reader:
    """Reads the lines and keeps the needed ones. A component without an END is left out, and told."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.stack: list[str] = []
        self.kept: Lines = []
        self.stamp = self.time_zone = self.method = ""
        self.first_entry = self.first_zone = 0
        self.counts: dict[str, int] = {}
        """How often the open component has each property."""
        self.lines = 0
        self.nameless = 0
        """Entries that were left out and have no UID."""

    def read(self, lines: Iterator[str]) -> Feed:
        for line in lines:
            name = property_name(line)
            if name == "BEGIN":
                self._begin(line[6:].strip().upper())
            elif name == "END":
                self._close(line[4:].strip().upper())
            elif self.stack and name in _KEPT.get(self.stack[-1], ()) and self._is_in_place():
                self._keep(name, line)
        if self.stack:
            msg = f"The calendar is incomplete: it ends inside {self.stack[-1]}."
            raise FeedError(msg)
        if self.feed.entries and self.nameless == len(self.feed.entries):
            msg = "The calendar is malformed: none of its entries can be read."
            raise FeedError(msg)
        return self.feed

    def _is_in_place(self) -> bool:
        wanted = _PARENT.get(self.stack[-1])
        return wanted is None or (len(self.stack) > 1 and self.stack[-2] == wanted)

    def _begin(self, component: str) -> None:
        if component == "VCALENDAR" and self.stack:
            msg = f"The calendar is malformed: it begins again inside {self.stack[-1]}."
            raise FeedError(msg)
        if component in _OF_CALENDAR and len(self.stack) > 1 and self.stack[1] in _OF_CALENDAR:
            self._skip(1)
        self.stack.append(component)
        if len(self.stack) > _MAX_DEPTH:
            msg = "This is not a calendar: its components are nested too deeply."
            raise FeedError(msg)
        if component in {"VEVENT", "VTIMEZONE"}:
            self.kept, self.stamp, self.counts = [], "", {}
        elif component in {"STANDARD", "DAYLIGHT"}:
            self.counts = {}
            self._append(f"BEGIN:{component}")

    def _close(self, component: str) -> None:
        """Close a component, and leave out those inside of it that have no END. A stray END means nothing."""
        if component not in self.stack:
            return
        place = len(self.stack) - 1 - self.stack[::-1].index(component)
        inside = self.stack[place + 1 :]
        if inside:
            # Lines of an event may have been taken for those of what is not closed, unless it is an alarm.
            is_whole = component == "VCALENDAR" or inside == ["VALARM"]
            self._skip(place + 1 if is_whole else place)
            if not is_whole:
                return
        self._end(component)

    def _skip(self, place: int) -> None:
        """Leave out the open component at this place of the stack, and those inside of it."""
        component = self.stack[place]
        uid = value_of(self.kept, "UID") if component == "VEVENT" else ""
        del self.stack[place:]
        if component == "VEVENT":
            self.kept = []
        self.nameless += not uid
        self._add([f"UID:{uid or component}", f"{MALFORMED}:the END of its {component[:30]} is missing"], "")

    def _add(self, lines: Lines, stamp: str) -> None:
        self.feed.entries.append(lines)
        self.feed.stamps.append(stamp)
        if len(self.feed.entries) > MAX_ENTRIES:
            msg = f"The calendar has more than {MAX_ENTRIES} entries."
            raise FeedError(msg)

    def _end(self, component: str) -> None:
        if component == "VEVENT" and self._is_in_place():
            self._add(self.kept, self.stamp)
        elif component == "VTIMEZONE":
            self._keep_zone()
        elif component in {"STANDARD", "DAYLIGHT"}:
            self._append(f"END:{component}")
        elif component == "VCALENDAR":
            self._end_calendar()
        self.stack.pop()

    def _end_calendar(self) -> None:
        feed = self.feed
        entries = range(self.first_entry, len(feed.entries))
        if self.method == "CANCEL":  # RFC 5546 section 3.2.5
            for place in entries:
                others = [line for line in feed.entries[place] if property_name(line) != "STATUS"]
                feed.entries[place] = [*others, "STATUS:CANCELLED"]
        if not feed.parts:
            feed.time_zone = self.time_zone
        feed.parts.append(Part(self.time_zone, entries, feed.zones[self.first_zone :]))
        self.first_entry, self.first_zone = len(feed.entries), len(feed.zones)
        self.time_zone = self.method = ""

    def _keep(self, name: str, line: str) -> None:
        value = line.partition(":")[2].strip()
        if name == "DTSTAMP":
            self.stamp = value
        elif self.stack[-1] != "VCALENDAR":
            count = self.counts.get(name, 0)
            if count < _REPEATED.get(name, 1):
                self.counts[name] = count + 1
                # Exchange writes "BYDAY=MO, TU", although a rule has no blanks (RFC 5545 section 3.3.10).
                self._append("".join(line.split()) if name in {"RRULE", "EXRULE"} else line)
        elif name == "X-WR-TIMEZONE":
            self.time_zone = self.time_zone or value
        elif name == "METHOD":
            self.method = value.upper()
        elif value.upper() not in {"", "GREGORIAN"}:
            msg = "The calendar does not use the Gregorian calendar."
            raise FeedError(msg)

    def _append(self, line: str) -> None:
        if len(self.kept) < _MAX_KEPT:
            self.kept.append(line)
        self.lines += 1
        if self.lines > _MAX_LINES:
            msg = f"The calendar has more than {_MAX_LINES} lines."
            raise FeedError(msg)

    def _keep_zone(self) -> None:
        tzid = value_of(self.kept, "TZID")
        if tzid:
            # Of more lines than a zone can have none counts: the last part would have no END.
            lines = self.kept if len(self.kept) < _MAX_KEPT else [f"TZID:{tzid}"]
            zone = Zone(tzid, value_of(lines, "X-LIC-LOCATION"), tuple(lines))
            self.feed.zones.append(zone)
