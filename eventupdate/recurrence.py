"""What a recurrence rule yields between two days (RFC 5545 section 3.3.10), by counted work.

A rule without COUNT is expanded from the first day that is asked for, and never beyond the last one. So a rule that
never comes true costs no more than its candidates between the two. Tests compare the results with dateutil's, which
searches for the next occurrence until the year 9999.

Days are ordinals (``date.toordinal``), and times of a day are seconds.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from itertools import product
from typing import Final

from eventupdate.rules import Rule
from eventupdate.times import Time, to_utc
from eventupdate.work import MOMENT_STEPS, Share

_DAY: Final = 86_400
_UNITS: Final = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
"""Seconds."""
_HOUR: Final = 3600
_MINUTE: Final = 60
_MONTHS: Final = 12
_HOURS: Final = 24
_Span = tuple[int, int]
"""The first and the last day."""


def moments(rule: Rule, start: Time, first: date, last: date, share: Share) -> Iterator[Time]:
    """Yield what a rule that begins at ``start`` yields from ``first`` to ``last`` (inclusive), in order.

    The results are local times in the zone of the start, or dates if it is one. ``rule.until`` is ignored, as it is
    an instant. Raises ``TooMuchWorkError``.
    """
    if first > last or start.year > last.year:
        return
    kind = _InDay if rule.frequency in _UNITS else _OfPeriods
    yield from kind(rule, start, first.toordinal(), last.toordinal(), share).moments()


def moments_until(rule: Rule, start: Time, first: date, last: date, share: Share) -> Iterator[Time]:
    """Yield what ``moments`` yields, up to the rule's UNTIL. Raises ``TooMuchWorkError``."""
    until = rule.until
    if until is None:
        yield from moments(rule, start, first, last, share)
        return
    # Local times differ by less than two days from UTC.
    day = date.fromordinal(min(until.toordinal() + 2, date.max.toordinal()))
    for found in moments(rule, start, first, min(last, day), share):
        if (to_utc(found, UTC) if isinstance(found, datetime) else found) > until:
            return
        yield found


class _Expansion:
    """What the expansions of all frequencies have in common."""

    def __init__(self, rule: Rule, start: Time, first: int, last: int, share: Share) -> None:
        self.rule = rule
        self.start = start
        self.begin = start.toordinal()
        self.first, self.last = max(first, self.begin), last
        self.share = share
        self.days = _Days(rule, start)
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
        begin = self.begin - (_weekday(self.begin) - self.rule.week_start) % 7
        period = 7 * self.rule.interval
        for week in range(begin + (self.from_day - begin) // period * period, self.last + 1, period):
            # Like dateutil, BYSETPOS counts in the first week from the start.
            yield self.days.within(range(max(week, self.begin), week + 7), self.share)

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


class _Days:
    """The days that a rule takes: those in all of the sets that its parts name."""

    def __init__(self, rule: Rule, start: Time) -> None:
        self._rule = rule
        self._week_start = rule.week_start
        self.looked_at = 0
        """The steps of the last call."""
        self._month_days, self._months, weekdays = rule.month_days, rule.months, rule.weekdays
        if not (rule.weeks or rule.year_days or rule.month_days or rule.weekdays):
            if rule.frequency == "YEARLY":
                self._months = rule.months or (start.month,)
            if rule.frequency in {"YEARLY", "MONTHLY"}:
                self._month_days = (start.day,)
            elif rule.frequency == "WEEKLY":
                weekdays = ((0, start.weekday()),)
        is_numbered = rule.frequency in {"YEARLY", "MONTHLY"}
        self._weekdays = weekdays if is_numbered else tuple({(0, weekday) for _, weekday in weekdays})
        self._in_week = {weekday for _, weekday in self._weekdays}
        self._is_by_weekday = not (self._months or self._month_days or rule.weeks or rule.year_days)
        self._year, self._of_year = 0, frozenset[int]()

    def of_year(self, year: int) -> Sequence[int]:
        """Return the days of a year, in order."""
        months = [_month(year, month) for month in self._months or range(1, 13) if 1 <= month <= _MONTHS]
        return self._common(year, months, months if self._months else [_year(year)])

    def of_month(self, year: int, month: int) -> Sequence[int]:
        """Return the days of a month, in order."""
        months = [_month(year, month)]
        return self._common(year, months, months)

    def within(self, days: Sequence[int], share: Share) -> Sequence[int]:
        """Return those of a few days that the rule takes."""
        share.take(len(days))
        if self._in_week:
            days = [day for day in days if _weekday(day) in self._in_week]
        return days if self._is_by_weekday else [day for day in days if self._is_taken(day, share)]

    def among(self, first: int, last: int, interval: int, share: Share) -> Iterator[int]:
        """Yield those days that the rule takes of each ``interval``-th one."""
        if self._is_by_weekday:
            for day in range(first, last + 1, interval):
                share.take(1)
                if not self._in_week or _weekday(day) in self._in_week:
                    yield day
            return
        for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
            days = self.of_year(year)
            share.take(1 + self.looked_at)
            yield from (day for day in days if first <= day <= last and (day - first) % interval == 0)

    def _is_taken(self, day: int, share: Share) -> bool:
        year = date.fromordinal(day).year
        if year != self._year:
            self._year, self._of_year = year, frozenset(self.of_year(year))
            share.take(1 + self.looked_at)
        return day in self._of_year

    def _common(self, year: int, months: Sequence[_Span], spans: Sequence[_Span]) -> Sequence[int]:
        """Return the days that are in all sets; BYDAY counts in the spans, BYMONTHDAY in the months."""
        sets: list[set[int]] = []
        if self._month_days:
            sets.append({day for month in months for day in _numbered(self._month_days, *month)})
        if self._rule.year_days:
            sets.append(set(_numbered(self._rule.year_days, *_year(year))))
        if self._rule.weeks:
            sets.append(set(self._in_weeks(year)))
        if self._weekdays:
            sets.append({day for span in spans for day in self._by_weekday(*span)})
        if not sets:
            sets.append({day for first, last in spans for day in range(first, last + 1)})
        self.looked_at = sum(map(len, sets)) + len(spans)
        common = set.intersection(*sets)
        return sorted(day for day in common if any(first <= day <= last for first, last in spans))

    def _by_weekday(self, first: int, last: int) -> Iterator[int]:
        """Yield the days of BYDAY in a span, the numbered ones counted in it."""
        for number, weekday in self._weekdays:
            one = first + (weekday - _weekday(first)) % 7
            if not number:
                yield from range(one, last + 1, 7)
                continue
            if number < 0:
                one = last - (_weekday(last) - weekday) % 7
            day = one + 7 * (number - 1 if number > 0 else number + 1)
            if first <= day <= last:
                yield day

    def _in_weeks(self, year: int) -> Iterator[int]:
        """Yield the days of a year in the weeks of BYWEEKNO, which may belong to a year before or after it."""
        first, last = _year(year)
        for other in range(max(1, year - 1), year + 2):
            begin = self._first_week(other)
            count = (self._first_week(other + 1) - begin) // 7
            for number in self._rule.weeks:
                place = number - 1 if number > 0 else count + number
                if number and 0 <= place < count:
                    week = begin + 7 * place
                    yield from range(max(week, first), min(week + 7, last + 1))

    def _first_week(self, year: int) -> int:
        """Return the first day of the week with the fourth of January, which is the first of a year."""
        fourth = date(year, 1, 4).toordinal()
        return fourth - (_weekday(fourth) - self._week_start) % 7


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


def _numbered(numbers: Iterable[int], first: int, last: int) -> Iterator[int]:
    """Yield the days of a span by their numbers; negative ones count from its end."""
    for number in numbers:
        day = first + number - 1 if number > 0 else last + 1 + number
        if number and first <= day <= last:
            yield day


def _weekday(day: int) -> int:
    return (day + 6) % 7


def _month_number(day: int) -> int:
    found = date.fromordinal(day)
    return found.year * 12 + found.month - 1


def _year(year: int) -> _Span:
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def _month(year: int, month: int) -> _Span:
    return date(year, month, 1).toordinal(), date(year, month, monthrange(year, month)[1]).toordinal()
