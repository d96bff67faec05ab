"""Converting an event of Google's Calendar API to iCalendar (RFC 5545).

In the API a series and its exceptions are separate events: an exception has ``recurringEventId`` and
``originalStartTime``. Both get the series' id as UID, and the exception a RECURRENCE-ID, so that they
are expanded together.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from eventupdate.lines import property_name
from eventupdate.providers.google.texts import escaped, parameter, plain
from eventupdate.reading import Resource
from eventupdate.resources import key_of

Item = Mapping[str, Any]

CANCELED: Final = "cancelled"
FIELDS: Final = (
    "id,status,summary,description,location,htmlLink,hangoutLink,sequence,eventType,transparency,"
    "recurringEventId,originalStartTime,recurrence,start,end,endTimeUnspecified,organizer(displayName,email),"
    "attendees(displayName,email,responseStatus,self,resource),"
    "conferenceData(entryPoints(entryPointType,uri))"
)
"""The requested fields of each event; a partial response is much smaller."""
_REPETITION: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE"})
_LONGEST: Final = timedelta(days=31)
_PARTSTATS: Final[Mapping[str, str]] = {
    "needsAction": "NEEDS-ACTION",
    "accepted": "ACCEPTED",
    "declined": "DECLINED",
    "tentative": "TENTATIVE",
}


def is_gone(item: Item) -> bool:
    """Say whether the event was deleted; a canceled occurrence is an exception of its series instead."""
    return item.get("status") == CANCELED and not item.get("recurringEventId")


def is_long_over(item: Item, at: datetime) -> bool:
    """Say whether an event without a rule ended weeks before an instant, at its new and original times."""
    if item.get("recurrence"):
        return False
    times = [item.get("end") or item.get("start"), item.get("start"), item.get("originalStartTime")]
    found = [instant for time in times if time and (instant := _instant(time)) is not None]
    return bool(found) and max(found) < at - _LONGEST


def uid_of(item: Item) -> str:
    """Return the id of the series, or of a single event."""
    return str(item.get("recurringEventId") or item["id"])


def resource_of(item: Item, time_zone: str) -> Resource:
    """Return an event as a resource. ``time_zone`` is the calendar's own."""
    text = "\n".join(["BEGIN:VEVENT", *_lines(item, time_zone), "END:VEVENT"])
    # JSON can contain half of a surrogate pair, which databases reject.
    text = text.encode(errors="replace").decode()
    return Resource(key_of(item["id"]), uid_of(item), sha256(text.encode()).hexdigest(), text)


def _lines(item: Item, time_zone: str) -> Iterator[str]:
    is_part = bool(item.get("recurringEventId"))
    is_series = bool(item.get("recurrence"))
    yield f"UID:{escaped(uid_of(item))}"
    yield from _when(item, time_zone, is_local=is_part or is_series)
    if is_part:
        original = _time("RECURRENCE-ID", item.get("originalStartTime") or {}, time_zone, is_local=True)
        # Empty it would be the series itself.
        yield "RECURRENCE-ID:unknown" if original == "RECURRENCE-ID:" else original
    lines = (" ".join(str(line).split()) for line in item.get("recurrence") or ())
    yield from (line for line in lines if property_name(line) in _REPETITION)
    yield f"SEQUENCE:{int(item.get('sequence') or 0)}"
    yield f"STATUS:{_status(item)}"
    yield f"TRANSP:{'TRANSPARENT' if item.get('transparency') == 'transparent' else 'OPAQUE'}"
    if item.get("eventType") == "outOfOffice":
        yield "X-MICROSOFT-CDO-BUSYSTATUS:OOF"
    yield from _texts(item)
    yield from _people(item)


def _when(item: Item, time_zone: str, *, is_local: bool) -> Iterator[str]:
    # A canceled occurrence may have no start of its own, only the original one.
    start = item.get("start") or item.get("originalStartTime")
    if not start:
        return
    yield _time("DTSTART", start, time_zone, is_local=is_local)
    if item.get("end") and not item.get("endTimeUnspecified"):
        yield _time("DTEND", item["end"], time_zone, is_local=is_local)


def _time(name: str, value: Item, time_zone: str, *, is_local: bool) -> str:
    """Return a property for a day or an instant.

    Recurring entries follow their zone's clock, so their times are local. Others are in UTC, as a local
    time is ambiguous when clocks go back.
    """
    instant = _instant(value)
    if instant is None:
        return f"{name}:"
    if value.get("date"):
        return f"{name};VALUE=DATE:{str(value['date']).replace('-', '')}"
    zone_name = str(value.get("timeZone") or time_zone)
    zone = _zone(zone_name) if is_local else None
    if zone is None:
        return f"{name}:{instant:%Y%m%dT%H%M%SZ}"
    return f"{name};TZID={parameter(zone_name)}:{instant.astimezone(zone):%Y%m%dT%H%M%S}"


def _instant(value: Item) -> datetime | None:
    """Return the instant in UTC (midnight for a day); None if it can't be read."""
    try:
        found = datetime.fromisoformat(str(value.get("dateTime") or value.get("date")))
    except ValueError:
        return None
    if found.tzinfo is None:  # a day, or a local time with a separate zone
        found = found.replace(tzinfo=(_zone(str(value.get("timeZone") or "")) or UTC))
    return found.astimezone(UTC)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def _status(item: Item) -> str:
    """Return the STATUS; an event that the member declined counts as canceled."""
    if item.get("status") == CANCELED or _is_declined(item):
        return "CANCELLED"
    return "TENTATIVE" if item.get("status") == "tentative" else "CONFIRMED"


def _is_declined(item: Item) -> bool:
    return any(
        person.get("self") and person.get("responseStatus") == "declined"
        for person in item.get("attendees") or ()
    )


def _texts(item: Item) -> Iterator[str]:
    texts = {
        "SUMMARY": item.get("summary"),
        "DESCRIPTION": plain(str(item.get("description") or "")),
        "LOCATION": item.get("location"),
    }
    for name, text in texts.items():
        if text:
            yield f"{name}:{escaped(str(text))}"
    # Values of the type URI are not escaped (RFC 5545 section 3.3.13).
    for name, url in (("URL", item.get("htmlLink")), ("X-GOOGLE-CONFERENCE", _conference(item))):
        if url and str(url).isprintable():
            yield f"{name}:{url}"


def _conference(item: Item) -> str:
    """Return the link of the video conference, or ""."""
    entries = (item.get("conferenceData") or {}).get("entryPoints") or ()
    links = [str(entry.get("uri") or "") for entry in entries if entry.get("entryPointType") == "video"]
    return next((link for link in links if link), str(item.get("hangoutLink") or ""))


def _people(item: Item) -> Iterator[str]:
    organiser = item.get("organizer") or {}
    if organiser.get("email"):
        yield f"ORGANIZER{_name(organiser)}:mailto:{_address(organiser)}"
    for person in item.get("attendees") or ():
        if person.get("email") and not person.get("resource"):
            partstat = _PARTSTATS.get(str(person.get("responseStatus")), "NEEDS-ACTION")
            yield f"ATTENDEE{_name(person)};PARTSTAT={partstat}:mailto:{_address(person)}"


def _name(person: Item) -> str:
    name = parameter(str(person.get("displayName") or ""))
    return f";CN={name}" if name else ""


def _address(person: Item) -> str:
    return "".join(
        character for character in str(person["email"]) if character.isprintable() and character != " "
    )
