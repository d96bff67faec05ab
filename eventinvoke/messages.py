"""What a notice says, in the member's language and time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils import formats, translation
from django.utils.translation import gettext, ngettext

from common.times import zone_of
from eventinvoke.models import Event

_DAY = timedelta(days=1)
_DESCRIPTION = 300


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What a notice needs to know of an event."""

    pk: int
    title: str
    description: str
    location: str
    url: str
    starts_at: datetime
    is_all_day: bool


EVENT_COLUMNS = ("pk", "title", "description", "location", "url", "starts_at", "is_all_day")


def facts_from(event: Event) -> EventFacts:
    """Return the facts of an event that was read already."""
    return EventFacts(*(getattr(event, name) for name in EVENT_COLUMNS))


def facts_of(pks: Iterable[int]) -> dict[int, EventFacts]:
    """Read the facts of some events, by their keys."""
    return {
        row[0]: EventFacts(*row) for row in Event.objects.filter(pk__any_of=pks).values_list(*EVENT_COLUMNS)
    }


class Texts:
    """The texts of notices about to be sent; each is made once a language, zone and event."""

    def __init__(self, instant: datetime) -> None:
        """Make texts that are read at ``instant``."""
        self._instant = instant
        self._made: dict[tuple[int, str, str], str] = {}

    def body(self, event: EventFacts, language: str, time_zone: str) -> str:
        """Return the text below the title: when it is, where, and what it is about."""
        key = (event.pk, language, time_zone)
        text = self._made.get(key)
        if text is None:
            with translation.override(language):
                text = self._made[key] = compose(event, zone_of(time_zone), self._instant)
        return text


def compose(event: EventFacts, zone: tzinfo, instant: datetime) -> str:
    """Return the text of a notice in the active language."""
    parts = [say_when(event, zone, instant), event.location, event.description[:_DESCRIPTION].strip()]
    return "\n".join(part for part in parts if part)


def say_when(event: EventFacts, zone: tzinfo, instant: datetime) -> str:
    """Say when an event starts, as seen from ``instant``, in the active language."""
    local = event.starts_at.astimezone(zone)
    day = formats.date_format(local, "SHORT_DATE_FORMAT")
    if event.is_all_day:
        return gettext("All day on %(day)s") % {"day": day}
    values: dict[str, Any] = {"time": formats.time_format(local, "H:i"), "day": day}
    if local.date() == instant.astimezone(zone).date():
        sentence = gettext("At %(time)s, %(distance)s")
    else:
        sentence = gettext("On %(day)s at %(time)s, %(distance)s")
    return sentence % (values | {"distance": say_distance(event.starts_at - instant)})


def say_distance(ahead: timedelta) -> str:
    """Say how far off something is: “in 10 minutes”, “2 hours ago”, “now”."""
    minutes = round(abs(ahead).total_seconds() / 60)
    if minutes == 0:
        return gettext("now")
    if minutes < 60:  # noqa: PLR2004 - an hour
        span = ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    elif abs(ahead) < _DAY:
        hours = round(minutes / 60)
        span = ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    else:
        days = round(abs(ahead) / _DAY)
        span = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    return (gettext("in %(span)s") if ahead > timedelta(0) else gettext("%(span)s ago")) % {"span": span}
