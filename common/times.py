"""Times as people type them: local to a time zone whose clocks jump twice a year."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from math import ceil

from common.errors import TimeError


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the time zone of that IANA name; UTC for one that this machine does not know.

    Names are checked when they are entered, but zones are renamed, and machines have different versions of
    the database of zones. A notice with its time in UTC is better than none, for this member and for all
    others of the batch.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return UTC


def next_at(instant: datetime, at: time, zone: tzinfo) -> datetime:
    """Return when the clocks of a zone show a time of day next after an instant; in UTC."""
    local = instant.astimezone(zone)
    found = datetime.combine(local.date(), at, zone)
    if found <= local:
        found = datetime.combine(local.date() + timedelta(days=1), at, zone)
    return found.astimezone(UTC)


def is_within(local: time, begins: time | None, ends: time | None) -> bool:
    """Say whether a time of day lies in a daily span, which may go over midnight; no span holds nothing."""
    if begins is None or ends is None:
        return False
    if begins <= ends:
        return begins <= local < ends
    return local >= begins or local < ends


class GapError(TimeError):
    """A local time that the clock skipped. ``meant`` is the time that was probably meant."""

    def __init__(self, message: str, *, meant: datetime, field: str = "") -> None:
        """Store the time, without a zone, that lies as far after the jump."""
        super().__init__(message, field=field)
        self.meant = meant


class OverlapError(TimeError):
    """A local time that occurs twice. ``choices`` has both, as ``fold`` and a sentence."""

    def __init__(self, message: str, *, choices: tuple[tuple[int, str], ...], field: str = "") -> None:
        """Store the choices for the person."""
        super().__init__(message, field=field)
        self.choices = choices


def local_to_utc(naive: datetime, zone: tzinfo, fold: int | None = None) -> datetime:
    """Return the instant, in UTC, of a time on the clocks of a zone.

    ``fold`` selects one of a time that occurs twice (0 the first, 1 the second; PEP 495).

    Raises ``GapError`` for a time that does not exist, ``OverlapError`` for one that occurs twice if
    ``fold`` is None, and ``TimeError`` outside of the years that Python knows.
    """
    try:
        first = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
        second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
        back = first.astimezone(zone).replace(tzinfo=None, fold=0)
    except (OverflowError, ValueError):
        msg = f"The year {naive.year} is out of reach."
        raise TimeError(msg) from None
    if back != naive.replace(fold=0):
        raise GapError(_say_gap(naive, back, zone), meant=back)
    if first == second:
        return first
    if fold is None:
        msg = (
            f"{naive:%H:%M} comes twice on {say_day(naive)} in {zone}, as the clock is put back. "
            "Choose which one you mean."
        )
        choices = ((0, _say_choice("first", first, zone)), (1, _say_choice("second", second, zone)))
        raise OverlapError(msg, choices=choices)
    return second if fold else first


def days_between(start: datetime, end: datetime) -> int:
    """Return how many days lie between two midnights, at least one.

    A day on which the clocks are changed is an hour longer or shorter.
    """
    return max(1, ceil((end - start - timedelta(hours=2)) / timedelta(days=1)))


def say_day(day: datetime) -> str:
    """Return a day as people write it: “29 March 2026”."""
    return f"{day.day} {day:%B} {day.year}"


def _say_choice(word: str, instant: datetime, zone: tzinfo) -> str:
    local = instant.astimezone(zone)
    offset = local.isoformat()[-6:]
    return f"the {word} {local:%H:%M}, {local.tzname()} (UTC{offset})"


def _say_gap(naive: datetime, meant: datetime, zone: tzinfo) -> str:
    before, after = _jump(naive, zone)
    if before.date() == after.date():
        jump = f"from {before:%H:%M} to {after:%H:%M}"
    else:
        jump = f"from {before:%H:%M} on {say_day(before)} to {after:%H:%M} on {say_day(after)}"
    suggestion = f"{meant:%H:%M}" if meant.date() == naive.date() else f"{meant:%H:%M} on {say_day(meant)}"
    return (
        f"{naive:%H:%M} does not exist on {say_day(naive)} in {zone}: "
        f"the clock jumps {jump}. Did you mean {suggestion}?"
    )


def _jump(naive: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the local times, without a zone, just before and just after the jump over a time."""
    after = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old = naive.replace(tzinfo=zone, fold=0).utcoffset() or timedelta(0)
    new = naive.replace(tzinfo=zone, fold=1).utcoffset() or timedelta(0)
    before = after - (new - old)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    instant = after.replace(microsecond=0, tzinfo=None)
    return instant + old, instant + new
