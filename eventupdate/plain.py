"""Expanding series without RANGE=THISANDFUTURE, which are the most, without a library.

RFC 5545 section 3.8.5 applies: the start always takes place, an EXDATE excludes an occurrence, and a
RECURRENCE-ID replaces one. Tests compare the results with recurring-ical-events.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from eventupdate.entries import Entry
from eventupdate.recurrence import moments_until
from eventupdate.repetition import Repetition
from eventupdate.times import Length, Time, to_utc
from eventupdate.work import Share


def is_plain(parts: Sequence[Entry]) -> bool:
    """Say whether this module can expand a series whose occurrences these entries replace."""
    return not any(p.is_this_and_future or p.rules or p.added or p.excluded for p in parts)


def plain_repetitions(
    core: Entry | None, parts: Sequence[Entry], first: datetime, stop: datetime, share: Share
) -> Iterator[Repetition]:
    """Yield the repetitions between two instants, and perhaps some around them, and some twice: then the last counts.

    Raises ``TooMuchWorkError``.
    """
    replaced: dict[Time, Entry] = {}
    for part in parts:
        if part.recurrence_id is not None:
            key = _key(part.recurrence_id)
            if key not in replaced or replaced[key].sequence < part.sequence:
                replaced[key] = part
    excluded = {_key(value) for value in core.excluded} if core else set()
    if core is not None:
        for start, length in _starts(core, first.date(), stop.date(), share):
            key = start.astimezone(UTC) if isinstance(start, datetime) else start
            by_clock = length.days == 0  # then the end follows from the instant
            if key not in excluded and key not in replaced:
                yield Repetition(core, key, key if by_clock else start, length)
    for key, part in replaced.items():
        if key not in excluded:
            yield Repetition(part, key, part.start, part.length)


def _starts(core: Entry, first: date, last: date, share: Share) -> Iterator[tuple[Time, Length]]:
    """Yield the starts by the rules and RDATEs, and the start of the entry itself, with the length of each."""
    start, length = core.start, core.length
    untils = [rule.until for rule in core.rules]
    if not untils or any(until is None or _key(start) <= until for until in untils):
        yield start, length
    for rule in core.rules:
        for found in moments_until(rule, start, first, last, share):
            if found != start:
                yield found, length
    for added in core.added:
        yield (added[0], Length(0, added[1])) if isinstance(added, tuple) else (added, length)


def _key(value: Time) -> Time:
    return to_utc(value, UTC) if isinstance(value, datetime) else value
