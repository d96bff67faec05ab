"""The days of a year, a month or a week that a recurrence rule takes (RFC 5545 section 3.3.10).

Days are ordinals (``date.toordinal``).
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from eventupdate.rules import Rule
from eventupdate.times import Time
from eventupdate.work import Share

_MONTHS: Final = 12
_Span = tuple[int, int]
"""The first and the last day."""


class RuleDays:
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
        self._offsets = sorted((weekday - rule.week_start) % 7 for weekday in self._in_week or range(7))
        """The days of BYDAY, counted from the beginning of a week."""
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

    def of_week(self, week: int, share: Share) -> Sequence[int]:
        """Return the days of the week that begins on a day, in order."""
        days = [week + offset for offset in self._offsets]
        share.take(len(days))
        return days if self._is_by_weekday else [day for day in days if self._is_taken(day, share)]

    def among(self, first: int, last: int, interval: int, share: Share) -> Iterator[int]:
        """Yield those days that the rule takes of each ``interval``-th one."""
        if self._is_by_weekday:
            for day in range(first, last + 1, interval):
                share.take(1)
                if not self._in_week or weekday_of(day) in self._in_week:
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
            one = first + (weekday - weekday_of(first)) % 7
            if not number:
                yield from range(one, last + 1, 7)
                continue
            if number < 0:
                one = last - (weekday_of(last) - weekday) % 7
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
        return fourth - (weekday_of(fourth) - self._week_start) % 7


def weekday_of(day: int) -> int:
    """Return the weekday of a day; 0 for Monday."""
    return (day + 6) % 7


def _numbered(numbers: Iterable[int], first: int, last: int) -> Iterator[int]:
    """Yield the days of a span by their numbers; negative ones count from its end."""
    for number in numbers:
        day = first + number - 1 if number > 0 else last + 1 + number
        if number and first <= day <= last:
            yield day


def _year(year: int) -> _Span:
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def _month(year: int, month: int) -> _Span:
    return date(year, month, 1).toordinal(), date(year, month, monthrange(year, month)[1]).toordinal()
