"""EXRULE: recurrence rules that exclude occurrences (RFC 2445 section 4.8.5.2, which RFC 5545 dropped)."""

from collections.abc import Iterator
from datetime import datetime

from eventupdate.entries import Entry
from eventupdate.lines import MAX_DATES
from eventupdate.recurrence import moments_until
from eventupdate.times import Time
from eventupdate.work import Share, TooMuchWorkError


def excluded_by_rules(core: Entry, first: datetime, stop: datetime, share: Share) -> Iterator[Time]:
    """Yield what the EXRULEs of an entry exclude between two instants, in the type of its start.

    The start is excluded only if the rule yields it. Raises ``TooMuchWorkError``, also for more than ``MAX_DATES``.
    """
    count = 0
    for rule in core.exclusion_rules:
        for found in moments_until(rule, core.start, first.date(), stop.date(), share):
            count += 1
            if count > MAX_DATES:
                msg = f"its EXRULE excludes more than {MAX_DATES} times; only its first start counts"
                raise TooMuchWorkError(msg)
            yield found
