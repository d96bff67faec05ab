"""From the rules of a VTIMEZONE (RFC 5545 section 3.6.5) to a zone of Python, by counted work."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

from eventupdate.lines import Zone, property_name
from eventupdate.recurrence import moments_until
from eventupdate.rules import read_rule
from eventupdate.times import Time, read_time
from eventupdate.work import Share, TooMuchWorkError

_FIRST, _LAST = date(1970, 1, 1), date(2100, 1, 1)
"""The days for which rules are expanded."""
_PART_STEPS: Final = 100
"""The work of reading a part, compared with that of a candidate of a rule."""
_MAX_PARTS: Final = 250
"""A TZif file has at most 256 types of local time; the longest zone of IANA has 200 changes since 1900."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEADER: Final = ">4sc15x6l"


@dataclass(slots=True)
class _Part:
    """A STANDARD or DAYLIGHT."""

    is_summer: bool
    start: datetime | None = None
    offset: int | None = None
    """Seconds, from its onsets on."""
    offset_before: int | None = None
    dates: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def zone_of_rules(zone: Zone, share: Share) -> tzinfo:
    """Return a zone made of all rules of a VTIMEZONE. Raises ``ValueError``, also where they take too many steps."""
    try:
        parts = list(_parts(zone.lines, share))
        onsets = sorted(
            (onset, place) for place, part in enumerate(parts) for onset in set(_onsets(part, share))
        )
        if parts and len(parts) <= _MAX_PARTS:
            return ZoneInfo.from_file(BytesIO(_tzif(parts, onsets)))
    except (ValueError, OverflowError, struct.error, TooMuchWorkError):
        pass
    msg = f"the rules of the time zone “{zone.tzid[:80]}” can't be read"
    raise ValueError(msg)


def _parts(lines: Iterable[str], share: Share) -> Iterator[_Part]:
    part: _Part | None = None
    for line in lines:
        name, value = property_name(line), line.partition(":")[2].strip()
        if name == "BEGIN":
            share.take(_PART_STEPS)
            part = _Part(value.upper() == "DAYLIGHT")
        elif part is None:
            continue
        elif name == "END":
            yield part
            part = None
        elif name == "DTSTART":
            part.start = _local(read_time(value))
        elif name == "TZOFFSETFROM":
            part.offset_before = _offset(value)
        elif name == "TZOFFSETTO":
            part.offset = _offset(value)
        elif name == "RDATE":
            part.dates += value.split(",")
        elif name == "RRULE":
            part.rules.append(value)


def _onsets(part: _Part, share: Share) -> Iterator[datetime]:
    """Yield the local times at which a part begins. Raises ``ValueError`` and ``TooMuchWorkError``."""
    if part.start is None or part.offset is None or part.offset_before is None:
        msg = "a property is missing"
        raise ValueError(msg)
    yield part.start
    share.take(len(part.dates))
    for text in part.dates:
        yield _local(read_time(text.partition("/")[0].strip()))
    for text in part.rules:
        rule = read_rule(text, part.start, lambda until: _local(until).replace(tzinfo=UTC))
        for found in moments_until(rule, part.start, _FIRST, _LAST, share):
            yield _local(found)


def _local(value: Time) -> datetime:
    """Return a local time without a zone; a date begins at midnight."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time.min)


def _offset(text: str) -> int:
    """Return the seconds of an offset, like +0130 or -013015. Raises ``ValueError``."""
    digits = text.lstrip("+-").ljust(6, "0")
    if len(digits) != len("hhmmss") or not (digits.isascii() and digits.isdigit()):
        raise ValueError(text)
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    if seconds >= timedelta(days=1).total_seconds():
        raise ValueError(text)
    return -seconds if text.startswith("-") else seconds


def _tzif(parts: list[_Part], onsets: list[tuple[datetime, int]]) -> bytes:
    """Return the zone in the binary format that Python reads (RFC 8536, without its block of 32 bits)."""
    offset = parts[onsets[0][1]].offset_before or 0
    changes = {}
    for onset, place in onsets:
        instant = onset.replace(tzinfo=UTC) - timedelta(seconds=offset) - _EPOCH
        changes[instant // timedelta(seconds=1)] = place
        offset = parts[place].offset or 0
    instants = sorted(changes)
    names = b"LMT\0"
    return b"".join(
        [
            struct.pack(_HEADER, b"TZif", b"2", 0, 0, 0, 0, 0, 0),
            struct.pack(_HEADER, b"TZif", b"2", 0, 0, 0, len(instants), len(parts), len(names)),
            struct.pack(f">{len(instants)}q", *instants),
            bytes(changes[instant] for instant in instants),
            *(struct.pack(">lbb", part.offset or 0, part.is_summer, 0) for part in parts),
            names,
            b"\n\n",
        ]
    )
