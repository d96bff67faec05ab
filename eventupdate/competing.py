"""Which VEVENTs of one UID count: those with the highest SEQUENCE, then the newest DTSTAMP (RFC 5546 section 2.1.5)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from eventupdate.lines import Lines, Part, value_of
from eventupdate.times import read_sequence, read_time

_ONE_EXPORT: Final = timedelta(minutes=1)
"""A producer that stamps entries with the time of the export does so within this time."""


class Competitor(NamedTuple):
    """A VEVENT of a feed."""

    lines: Lines
    stamp: str
    """Its DTSTAMP, or ""."""
    part: Part

    @property
    def rank(self) -> tuple[int, str, Lines]:
        """The higher one counts; the lines only make the choice independent of the order."""
        return read_sequence(value_of(self.lines, "SEQUENCE")), self.stamp, self.lines


def current(entries: Sequence[Competitor]) -> list[Competitor]:
    """Return the entries of one UID that count, the newest last.

    One counts for each occurrence that is replaced. Of the others those with the highest SEQUENCE count;
    they are distinct entries if their starts differ, unless SEQUENCE and DTSTAMP say that one is a newer version.
    """
    slots: dict[str, list[Competitor]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.rank):
        slots[value_of(entry.lines, "RECURRENCE-ID")].append(entry)
    wholes = slots.pop("", [])
    newest = [entry for entry in wholes if entry.rank[0] == wholes[-1].rank[0]]
    if _are_versions(newest):
        newest = newest[-1:]
    distinct = {value_of(entry.lines, "DTSTART"): entry for entry in newest}
    return [*distinct.values(), *(slot[-1] for slot in slots.values())]


def _are_versions(entries: Sequence[Competitor]) -> bool:
    """Say whether entries of one SEQUENCE are versions of one entry: each names it, and their stamps are apart."""
    if not all(value_of(entry.lines, "SEQUENCE") for entry in entries):
        return False
    try:
        stamps = [read_time(entry.stamp) for entry in entries]
    except (ValueError, IndexError):
        return False
    instants = [stamp.replace(tzinfo=None) for stamp in stamps if isinstance(stamp, datetime)]
    return len(instants) == len(stamps) > 1 and max(instants) - min(instants) > _ONE_EXPORT
