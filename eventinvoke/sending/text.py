"""What a notice says, in the member's language and time zone.

What others wrote (titles, places, descriptions, names) enters every message through ``EventFacts`` and
``Details``, which clean it and isolate its bidirectional controls (``common.texts``). A text of a member's
own, with its fields filled in, is isolated as a whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext

from common import sources
from common.errors import InputError
from common.languages import texts_for
from common.texts import cut, foreign, foreign_url, isolated, one_line
from common.times import days_between, zone_of
from common.wording import fill
from eventinvoke.models import Delivery, Event
from eventinvoke.sending.when import local, say_day, say_distance, say_time
from registration.models import Member

_DAY = timedelta(days=1)
_DESCRIPTION = 300


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What a notice needs to know of an event; its texts may stand in any message as they are."""

    pk: int
    title: str
    description: str
    location: str
    url: str
    starts_at: datetime
    is_all_day: bool
    starts_on: date | None
    source: str

    def at(self, starts_at: datetime) -> "EventFacts":
        """Return the same event with another start."""
        moved = starts_at - self.starts_at
        starts_on = None if self.starts_on is None else self.starts_on + timedelta(days=round(moved / _DAY))
        return replace(self, starts_at=starts_at, starts_on=starts_on)

    def day(self, zone: tzinfo) -> date:
        """Return the day of its start; one that lasts all day is the same in every zone."""
        if self.is_all_day and self.starts_on is not None:
            return self.starts_on
        return local(self.starts_at, zone).date()


EVENT_COLUMNS = (
    "pk", "title", "description", "location", "url", "starts_at", "is_all_day", "starts_on", "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Details:
    """What a text of a member's own may need besides."""

    ends_at: datetime | None = None
    organiser: str = ""
    calendar: str = ""
    """The name of the calendar, or of another source of which there are several."""


NO_DETAILS: Final = Details()


def facts_from(event: Event) -> EventFacts:
    """Return the facts of an event that was read already."""
    return _facts(*(getattr(event, name) for name in EVENT_COLUMNS))


def _facts(pk: int, title: str, description: str, location: str, url: str, *others: Any) -> EventFacts:
    return EventFacts(
        pk, isolated(one_line(title)), foreign(description), foreign(location), foreign_url(url), *others
    )


def facts_of(pks: Iterable[int]) -> dict[int, EventFacts]:
    """Read the facts of some events, by their keys."""
    rows = Event.objects.filter(pk__any_of=pks).values_list(*EVENT_COLUMNS)
    return {row[0]: _facts(*row) for row in rows}


def details_of(pks: Iterable[int]) -> dict[int, Details]:
    """Read what texts of members' own may need of some events, by their keys; no query for none."""
    wanted = set(pks)
    if not wanted:
        return {}
    rows = list(Event.objects.filter(pk__any_of=wanted).values_list("pk", "ends_at", "labels", "source"))
    names = sources.names_of(source for *_, source in rows)
    return {
        pk: Details(ends_at, foreign(str(labels.get("organiser", ""))), foreign(names.get(source, "")))
        for pk, ends_at, labels, source in rows
    }


class Texts:
    """The texts of notices about to be sent; each is made once a language, zone, event, start and wording."""

    def __init__(self, instant: datetime) -> None:
        """Make texts that are read at ``instant``."""
        self._instant = instant
        self._made: dict[tuple[int, datetime, str, str, str], str] = {}

    def body(
        self,
        event: EventFacts,
        language: str,
        time_zone: str,
        wording: str = "",
        details: Details | None = None,
    ) -> str:
        """Return the text below the title: when it is, where, and what it is about.

        Or what the member wants it to say: ``wording``, for which the event's ``details`` are needed.
        """
        key = (event.pk, event.starts_at, language, time_zone, wording)
        text = self._made.get(key)
        if text is None:
            with translation.override(texts_for(language)):
                text = self._made[key] = self._body(event, zone_of(time_zone), wording, details)
        return text

    def _body(self, event: EventFacts, zone: tzinfo, wording: str, details: Details | None) -> str:
        if wording:
            values = _Values(event, details or NO_DETAILS, zone, self._instant)
            try:
                return foreign(fill(wording, values.of))
            except InputError:
                pass  # it got past the forms; the usual text is better than none
        return compose(event, zone, self._instant)


def body_of(delivery: Delivery, instant: datetime) -> str:
    """Return the text of one delivery, whose event, member and registration are read with it."""
    wording = delivery.registration.text if delivery.registration is not None else ""
    return body_for(delivery.event, delivery.member, wording, instant)


def body_for(event: Event, member: Member, wording: str, instant: datetime) -> str:
    """Return the text with which a member is told of an event: ``wording``, or the usual text."""
    details = details_of([event.pk]).get(event.pk) if wording else None
    return Texts(instant).body(facts_from(event), member.language, member.time_zone, wording, details)


def own_texts(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Return the texts of those deliveries that say something else than usual, as they were sent.

    Their events, members and registrations are read with them. Two queries at most.
    """
    worded = {one.pk: one.registration.text for one in deliveries if one.registration is not None}
    special = [d for d in deliveries if worded.get(d.pk) or sources.is_direct(d.event.source)]
    details = details_of(one.event_id for one in special if worded.get(one.pk))
    return {
        one.pk: Texts(one.sent_at or one.due_at).body(
            facts_from(one.event),
            one.member.language,
            one.member.time_zone,
            worded.get(one.pk, ""),
            details.get(one.event_id),
        )
        for one in special
    }


class _Values:
    """What stands for the fields of ``common.wording.FIELDS``, in the active language."""

    def __init__(self, event: EventFacts, details: Details, zone: tzinfo, instant: datetime) -> None:
        self._event = event
        self._details = details
        self._zone = zone
        self._instant = instant

    def of(self, name: str) -> str:
        """Return the value of one field; "" where the event has none."""
        own = {"title": "title", "place": "location", "link": "url"}
        if name in own:
            return str(getattr(self._event, own[name]))
        if name in {"organiser", "calendar"}:
            return str(getattr(self._details, name))
        value: str = getattr(self, f"_{name}")()
        return value

    def _description(self) -> str:
        return _description(self._event)

    def _date(self) -> str:
        return say_day(self._event.day(self._zone))

    def _time(self) -> str:
        return gettext("all day") if self._event.is_all_day else say_time(self._event.starts_at, self._zone)

    def _start(self) -> str:
        day = self._date()
        return day if self._event.is_all_day else f"{day} {self._time()}"

    def _end(self) -> str:
        ends_at = self._details.ends_at
        if ends_at is None:
            return ""
        first = self._event.day(self._zone)
        if self._event.is_all_day:
            return say_day(first + (days_between(self._event.starts_at, ends_at) - 1) * _DAY)
        at, last = say_time(ends_at, self._zone), local(ends_at, self._zone).date()
        return at if last == first else f"{say_day(last)} {at}"

    def _distance(self) -> str:
        if not self._event.is_all_day:
            return say_distance(self._event.starts_at - self._instant)
        ahead = self._event.day(self._zone) - local(self._instant, self._zone).date()
        return say_distance(ahead) if ahead else gettext("today")


def compose(event: EventFacts, zone: tzinfo, instant: datetime) -> str:
    """Return the usual text of a notice in the active language."""
    if sources.is_direct(event.source):
        return event.description
    parts = [say_when(event, zone, instant), event.location, _description(event)]
    return "\n".join(part for part in parts if part)


def _description(event: EventFacts) -> str:
    return isolated(cut(event.description.strip(), _DESCRIPTION))


def say_when(event: EventFacts, zone: tzinfo, instant: datetime) -> str:
    """Say when an event starts, as seen from ``instant``, in the active language."""
    day = event.day(zone)
    if event.is_all_day:
        return gettext("All day on %(day)s") % {"day": say_day(day)}
    values = {
        "time": say_time(event.starts_at, zone),
        "day": say_day(day),
        "distance": say_distance(event.starts_at - instant),
    }
    if day == local(instant, zone).date():
        return gettext("At %(time)s, %(distance)s") % values
    return gettext("On %(day)s at %(time)s, %(distance)s") % values
