"""From the VEVENTs of one UID to the entry of a series, and the entries that replace its occurrences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eventupdate.entries import Entry, read_entry, replaces_occurrence
from eventupdate.lines import Lines
from eventupdate.properties import Properties, first_value, read_properties
from eventupdate.times import Time, to_utc
from eventupdate.zones import Zones

Group = tuple[Entry | None, Sequence[Entry]]
"""The entry of a series, if it is known, and the entries that replace occurrences."""


@dataclass(frozen=True, slots=True)
class Series:
    """All entries of one UID."""

    groups: Sequence[Group]
    """One, unless a producer gave several entries one UID."""
    problem: str
    """Why not all occurrences are known, else ""."""
    note: str
    """What was passed over or is ambiguous, else ""."""


def read_series(uid: str, texts: Iterable[Lines], zones: Zones) -> Series:
    """Return the entries of a UID. Raises ``ValueError`` if none can be read."""
    all_properties = [read_properties(lines) for lines in texts]
    problems: list[str] = []
    cores: list[Entry] = []
    for properties in all_properties:
        if not replaces_occurrence(properties):
            try:
                cores.append(read_entry(uid, properties, zones))
            except ValueError as error:
                problems.append(str(error))
    cores = _current(cores)
    # The entries that replace occurrences belong to the one with a rule.
    cores.sort(key=lambda entry: not entry.is_series)
    core = cores[0] if cores else None
    changed: list[Entry] = []
    lost: list[Time] = []
    for properties in all_properties:
        if replaces_occurrence(properties):
            try:
                changed.append(_read_changed(uid, properties, zones, core))
            except ValueError as error:
                problems.append(str(error))
                lost += _replaced(uid, properties, zones, core)
    changed = _newest(changed)
    if core is None and not changed:
        raise ValueError(problems[0] if problems else "it has no start")
    if core is not None and lost:
        # It is not at its old time, and its new one is not known.
        core = replace(core, excluded=(*core.excluded, *lost))
    notes = ["several entries have its UID"] if len(cores) > 1 else []
    for one in (*cores, *changed):
        problems += [one.problem] if one.problem else []
        notes += [one.note] if one.note else []
    groups: list[Group] = [(core, changed), *((other, ()) for other in cores[1:])]
    return Series(groups, next(iter(problems), ""), next(iter(notes), ""))


def _current(cores: Sequence[Entry]) -> list[Entry]:
    """Return the entries that count: with the highest SEQUENCE (RFC 5545 section 3.8.7.4), and one for each start."""
    newest = max((entry.sequence for entry in cores), default=0)
    return list({entry.start: entry for entry in cores if entry.sequence == newest}.values())


def _newest(changed: Iterable[Entry]) -> list[Entry]:
    """Return one entry for each replaced occurrence: with the highest SEQUENCE, then the last."""
    found: dict[tuple[Time | None, bool], Entry] = {}
    for entry in sorted(changed, key=lambda entry: entry.sequence):
        original = entry.recurrence_id
        key = to_utc(original, UTC) if isinstance(original, datetime) else original
        found[key, entry.is_this_and_future] = entry
    return list(found.values())


def _read_changed(uid: str, properties: Properties, zones: Zones, core: Entry | None) -> Entry:
    if not first_value(properties, "DTSTART"):
        properties = {**properties, "DTSTART": properties["RECURRENCE-ID"]}
    return read_entry(uid, properties, zones, core)


def _replaced(uid: str, properties: Properties, zones: Zones, core: Entry | None) -> list[Time]:
    """Return the original start that an entry without a readable start replaces, if that can be read."""
    try:
        only = dict.fromkeys(("RECURRENCE-ID", "DTSTART"), properties["RECURRENCE-ID"])
        original = read_entry(uid, only, zones, core).recurrence_id
    except ValueError:
        return []
    return [] if original is None else [original]
