"""EXRULE: recurrence rules that exclude occurrences (RFC 2445 section 4.8.5.2, which RFC 5545 dropped)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from dateutil import rrule

from eventupdate.entries import MAX_DATES, Entry
from eventupdate.rules import Rule
from eventupdate.times import Time, to_utc


def excluded_by_rules(core: Entry, first: datetime, stop: datetime) -> Iterator[Time]:
    """Yield what the EXRULEs of an entry exclude between two instants, in the type of its start.

    The start is excluded only if the rule yields it. Raises ``ValueError`` for a rule that can't be expanded, or that
    excludes more than ``MAX_DATES``.
    """
    count = 0
    for rule in core.exclusion_rules:
        for found in _starts(rule, core.start, first.date(), stop.date()):
            if rule.until is not None and _key(found) > rule.until:
                break
            count += 1
            if count > MAX_DATES:
                msg = f"its EXRULE excludes more than {MAX_DATES} times"
                raise ValueError(msg)
            yield found


def _starts(rule: Rule, start: Time, first: date, last: date) -> Iterator[Time]:
    if rule.is_plain:
        begin = start.date() if isinstance(start, datetime) else start
        yield from (start + (day - begin) for day in rule.days(begin, first, last))
        return
    zone = start.tzinfo if isinstance(start, datetime) else None
    local = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime.combine(start, time.min)
    # The end is compared as an instant by the caller; the rule here counts local times.
    text = ";".join(part for part in rule.text.split(";") if not part.startswith("UNTIL="))
    begin, end = datetime.combine(first, time.min), datetime.combine(last, time.max)
    for moment in rrule.rrulestr(text, dtstart=local).xafter(begin, inc=True):
        if moment > end:
            return
        yield moment.replace(tzinfo=zone) if isinstance(start, datetime) else moment.date()


def _key(value: Time) -> Time:
    return to_utc(value, UTC) if isinstance(value, datetime) else value
