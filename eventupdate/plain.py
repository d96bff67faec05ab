"""Expanding series with one plain rule or none, which are the most, without a library.

RFC 5545 section 3.8.5 applies: the start always takes place, an EXDATE excludes an occurrence, and a
RECURRENCE-ID replaces one. Tests compare the results with recurring-ical-events.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from eventupdate.entries import Entry
from eventupdate.repetition import Repetition
from eventupdate.times import Time, to_utc


def is_plain(core: Entry | None, parts: Sequence[Entry]) -> bool:
    """Say whether this module can expand a series."""
    if core is not None and (len(core.rules) > 1 or core.added or any(not r.is_plain for r in core.rules)):
        return False
    return not any(p.is_this_and_future or p.rules or p.added or p.excluded for p in parts)


def plain_repetitions(
    core: Entry | None, parts: Sequence[Entry], first: datetime, stop: datetime
) -> Iterator[Repetition]:
    """Yield the repetitions between two instants, and perhaps some within two days around them."""
    replaced: dict[Time, Entry] = {}
    for part in parts:
        if part.recurrence_id is not None:
            key = _key(part.recurrence_id)
            if key not in replaced or replaced[key].sequence < part.sequence:
                replaced[key] = part
    excluded = {_key(value) for value in core.excluded} if core else set()
    if core is not None:
        length = core.length
        by_clock = length.days == 0  # then the end follows from the instant
        for start in _starts(core, first.date(), stop.date()):
            key = start.astimezone(UTC) if isinstance(start, datetime) else start
            if key not in excluded and key not in replaced:
                yield Repetition(core, key, key if by_clock else start, length)
    for key, part in replaced.items():
        if key not in excluded:
            yield Repetition(part, key, part.start, part.length)


def _starts(core: Entry, first: date, last: date) -> Iterator[Time]:
    """Yield the starts by the rule, and the start of the entry itself."""
    start = core.start
    rule = core.rules[0] if core.rules else None
    until = rule.until if rule else None
    if until is None or _key(start) <= until:
        yield start
    if rule is None:
        return
    begin = start.date() if isinstance(start, datetime) else start
    for day in rule.days(begin, first, last):
        found = start + (day - begin)
        if until is not None and _key(found) > until:
            return
        if day != begin:
            yield found


def _key(value: Time) -> Time:
    return to_utc(value, UTC) if isinstance(value, datetime) else value
