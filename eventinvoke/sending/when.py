"""Days, times and distances as people read and hear them, in the active language.

A day names its month: 05/04 is the 4th of May to one reader of English and the 5th of April to another.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from django.utils import formats
from django.utils.translation import get_language, gettext, ngettext

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_FORMATS: Final = {
    "de": ("j. F Y", "j. F"),
    "en": ("j F Y", "j F"),
    "fr": ("j F Y", "j F"),
    "ja": ("Y年n月j日", "n月j日"),
}
"""Of a day with and without its year, by language."""


def local(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant on the clocks of a zone; in UTC where the zone's calendar ends (the year 9999)."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant.astimezone(UTC)


def say_day(day: date, *, today: date | None = None) -> str:
    """Return a day: “4 May 2026”; “4 May” where it is in the same year as ``today``."""
    language = (get_language() or "en").partition("-")[0]
    with_year, without = _FORMATS.get(language, _FORMATS["en"])
    said = formats.date_format(day, without if today is not None and today.year == day.year else with_year)
    return f"1er{said[1:]}" if language == "fr" and day.day == 1 else said


def say_time(instant: datetime, zone: tzinfo) -> str:
    """Return the time of day in a zone: “14:05”."""
    return formats.time_format(local(instant, zone), "H:i")


def say_distance(ahead: timedelta) -> str:
    """Say how far off something is: “in 10 minutes”, “1 hour 30 minutes ago”, “now”.

    Rounded to the minute within a day, to the hour within a week, to the day beyond.
    """
    if round(abs(ahead) / _MINUTE) == 0:
        return gettext("now")
    span = {"span": _say_span(abs(ahead))}
    return gettext("in %(span)s") % span if ahead > timedelta(0) else gettext("%(span)s ago") % span


def _say_span(span: timedelta) -> str:
    # Each is rounded before it is compared, and once: 6 days 23 hours 40 minutes are “7 days”.
    minutes, hours = round(span / _MINUTE), round(span / _HOUR)
    if minutes < 24 * 60:
        parts = [_hours(minutes // 60), _minutes(minutes % 60)]
    elif hours < 7 * 24:
        parts = [_days(hours // 24), _hours(hours % 24)]
    else:
        parts = [_days(round(span / _DAY))]
    said = [part for part in parts if part]
    if len(said) == 1:
        return said[0]
    return gettext("%(larger)s %(smaller)s") % {"larger": said[0], "smaller": said[1]}


def _days(count: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", count) % {"n": count}


def _hours(count: int) -> str:
    return ngettext("%(n)d hour", "%(n)d hours", count) % {"n": count} if count else ""


def _minutes(count: int) -> str:
    return ngettext("%(n)d minute", "%(n)d minutes", count) % {"n": count} if count else ""
