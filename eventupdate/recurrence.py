"""What a recurrence rule yields between two days (RFC 5545 section 3.3.10), by counted work.

A rule without COUNT is expanded from the first day that is asked for, and never beyond the last one. So a rule that
never comes true costs no more than its candidates between the two. Tests compare the results with dateutil's, which
searches for the next occurrence until the year 9999.

Days are ordinals (``date.toordinal``), and times of a day are seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from itertools import product, takewhile
from typing import Final

from eventupdate.rule_days import RuleDays, weekday_of
from eventupdate.rules import Rule
from eventupdate.times import Time, to_utc
from eventupdate.work import MOMENT_STEPS, Share

_DAY: Final = 86_400
_UNITS: Final = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
"""Seconds."""
_HOUR: Final = 3600
_MINUTE: Final = 60
_HOURS: Final = 24


def moments(rule: Rule, start: Time, first: date, last: date, share: Share) -> Iterator[Time]:
    """Return what a rule that begins at ``start`` yields from ``first`` to ``last`` (inclusive), in order.

    The results are local times in the zone of the start, or dates if it is one. ``rule.until`` is ignored, as it is
    an instant. Raises ``TooMuchWorkError``.
    """
    if first > last or start.year > last.year:
        return iter(())
    kind = _InDay if rule.frequency in _UNITS else _OfPeriods
    return kind(rule, start, first.toordinal(), last.toordinal(), share).moments()


def moments_until(rule: Rule, start: Time, first: date, last: date, share: Share) -> Iterator[Time]:
    """Return what ``moments`` returns, up to the rule's UNTIL. Raises ``TooMuchWorkError``."""
    until = rule.until
    if until is None:
        return moments(rule, start, first, last, share)
    # Local times differ by less than two days from UTC.
    day = date.fromordinal(min(until.toordinal() + 2, date.max.toordinal()))
    found = moments(rule, start, first, min(last, day), share)
    return takewhile(
        lambda moment: (to_utc(moment, UTC) if isinstance(moment, datetime) else moment) <= until, found
    )


class _Expansion:
    """What the expansions of all frequencies have in common."""

    def __init__(self, rule: Rule, start: Time, first: int, last: int, share: Share) -> None:
        self.rule = rule
        self.start = start
        self.begin = start.toordinal()
        self.first, self.last = max(first, self.begin), last
        self.share = share
        self.days = RuleDays(rule, start)
        # What COUNT counts has to be expanded from the start.
        self.from_day = self.begin if rule.count else self.first
        clock = start.timetz() if isinstance(start, datetime) else time.min
        self.hour, self.minute, self.second = clock.hour, clock.minute, clock.second
        self.begin_second = self.hour * 3600 + self.minute * 60 + self.second
        self.zone = clock.tzinfo

    def made(self, day: int, clock: time) -> Time:
        """Return the result of a day and a time, in the type of the start."""
        found = date.fromordinal(day)
        return datetime.combine(found, clock) if isinstance(self.start, datetime) else found


class _OfPeriods(_Expansion):
    """Rules whose periods are days, weeks, months or years."""

    def moments(self) -> Iterator[Time]:
        rule, share, first, last = self.rule, self.share, self.first, self.last
        seconds = _seconds(
            rule.hours or (self.hour,), rule.minutes or (self.minute,), rule.seconds or (self.second,)
        )
        share.take(len(seconds))
        clocks = [_clock(second, self.zone) for second in seconds]
        left = rule.count or -1
        for days in self._periods():
            places = _places(len(days) * len(clocks), rule.positions)
            share.take(1 + len(places))
            for place in places:
                number, at = divmod(place, len(clocks))
                day = days[number]
                if day < self.begin or (day == self.begin and seconds[at] < self.begin_second):
                    continue
                if day > last or not left:
                    return
                left -= 1
                if day >= first:
                    share.take(MOMENT_STEPS)
                    yield self.made(day, clocks[at])

    def _periods(self) -> Iterator[Sequence[int]]:
        """Yield the days that the rule takes of each period."""
        return {
            "YEARLY": self._years,
            "MONTHLY": self._months,
            "WEEKLY": self._weeks,
            "DAILY": self._single_days,
        }[self.rule.frequency]()

    def _years(self) -> Iterator[Sequence[int]]:
        begin, skipped = self.start.year, date.fromordinal(self.from_day).year - self.start.year
        interval = self.rule.interval
        for year in range(
            begin + skipped // interval * interval, date.fromordinal(self.last).year + 1, interval
        ):
            yield self._looked_at(self.days.of_year(year))

    def _months(self) -> Iterator[Sequence[int]]:
        begin, interval = _month_number(self.begin), self.rule.interval
        skipped = _month_number(self.from_day) - begin
        for number in range(begin + skipped // interval * interval, _month_number(self.last) + 1, interval):
            self.share.take(1)
            year, month = divmod(number, 12)
            if not self.rule.months or month + 1 in self.rule.months:
                yield self._looked_at(self.days.of_month(year, month + 1))

    def _weeks(self) -> Iterator[Sequence[int]]:
        begin = self.begin - (weekday_of(self.begin) - self.rule.week_start) % 7
        period = 7 * self.rule.interval
        for week in range(begin + (self.from_day - begin) // period * period, self.last + 1, period):
            # Like dateutil, BYSETPOS counts in the first week from the start.
            days = self.days.of_week(week, self.share)
            yield days if week >= self.begin else [day for day in days if day >= self.begin]

    def _single_days(self) -> Iterator[Sequence[int]]:
        begin, interval = self.begin, self.rule.interval
        skipped = self.from_day - begin
        for day in self.days.among(begin + skipped // interval * interval, self.last, interval, self.share):
            yield (day,)

    def _looked_at(self, days: Sequence[int]) -> Sequence[int]:
        self.share.take(self.days.looked_at)
        return days


class _InDay(_Expansion):
    """Rules whose periods are hours, minutes or seconds.

    The times of a day depend only on where the first period begins in it, and are computed once for each such place.
    """

    def moments(self) -> Iterator[Time]:
        rule, share = self.rule, self.share
        unit = _UNITS[rule.frequency]
        step = rule.interval * unit
        origin = self.begin * _DAY + self.begin_second // unit * unit
        known: dict[int, Sequence[int]] = {}
        left = rule.count or -1
        for day in self.days.among(self.from_day, self.last, 1, share):
            begin = (origin - day * _DAY) % step
            if begin >= _DAY:
                continue
            if begin not in known:
                known[begin] = self._times(begin, step, unit)
            seconds = known[begin]
            if day == self.begin:
                seconds = [second for second in seconds if second >= self.begin_second]
            if left >= 0:
                seconds = seconds[:left]
                left -= len(seconds)
            if day >= self.first:
                for second in seconds:
                    share.take(MOMENT_STEPS)
                    yield self.made(day, _clock(second, self.zone))
            if not left:
                return

    def _times(self, begin: int, step: int, unit: int) -> Sequence[int]:
        """Return the times of a day whose first period begins at a second."""
        rule = self.rule
        found: list[int] = []
        inner = self._inside(unit)
        self.share.take(len(inner))
        places = _places(len(inner), rule.positions)
        for period in self._period_begins(begin, step, unit):
            self.share.take(len(places))
            found += [period + inner[place] for place in places]
        return found

    def _period_begins(self, begin: int, step: int, unit: int) -> Iterator[int]:
        """Yield the seconds at which periods begin that BYHOUR, BYMINUTE and BYSECOND allow."""
        rule = self.rule
        hours = rule.hours or range(24)
        minutes = rule.minutes or range(60) if unit < _HOUR else (0,)
        seconds = rule.seconds or range(60) if unit < _MINUTE else (0,)
        allowed = len(hours) * len(minutes) * len(seconds)
        if allowed <= _DAY // step:
            self.share.take(allowed)
            yield from (
                second for second in _seconds(hours, minutes, seconds) if (second - begin) % step == 0
            )
            return
        self.share.take(1 + _DAY // step)
        for second in range(begin, _DAY, step):
            hour, minute = second // 3600, second // 60 % 60
            is_minute = unit == _HOUR or minute in minutes
            if hour in hours and is_minute and (unit > 1 or second % 60 in seconds):
                yield second

    def _inside(self, unit: int) -> Sequence[int]:
        """Return the times inside each period, which BYMINUTE and BYSECOND expand."""
        rule = self.rule
        minutes = (rule.minutes or (self.minute,)) if unit == _HOUR else (0,)
        seconds = (rule.seconds or (self.second,)) if unit > 1 else (0,)
        return _seconds((0,), minutes, seconds)


def _places(size: int, positions: Sequence[int]) -> Sequence[int]:
    """Return the places in a set of this size that BYSETPOS takes; without one all."""
    if not positions:
        return range(size)
    places = {position - 1 if position > 0 else size + position for position in positions if position}
    return sorted(place for place in places if 0 <= place < size)


def _seconds(hours: Iterable[int], minutes: Iterable[int], seconds: Iterable[int]) -> list[int]:
    return sorted(
        {
            hour * 3600 + minute * 60 + second
            for hour, minute, second in product(hours, minutes, seconds)
            if hour < _HOURS and max(minute, second) < _MINUTE
        }
    )


def _clock(second: int, zone: tzinfo | None) -> time:
    return time(second // 3600, second // 60 % 60, second % 60, tzinfo=zone)


def _month_number(day: int) -> int:
    found = date.fromordinal(day)
    return found.year * 12 + found.month - 1
