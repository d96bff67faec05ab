"""The demo's calendar: an event in two minutes, and another whenever the person asks to be called again."""

from datetime import datetime, timedelta
from typing import Final

from common.clock import now
from eventinvoke.models import Event
from eventupdate.sync import sync
from registration.models import Calendar, Member

NAME: Final = "demo"
"""Of the demo's account."""
_CALENDAR: Final = "Demo calendar"
_LENGTH: Final = timedelta(minutes=30)
_RINGS: Final = timedelta(minutes=1)
"""So long before the start the phone rings."""
_AGAIN: Final = _RINGS + timedelta(seconds=5)
_KEPT: Final = 30
"""Entries that stay besides a new one: to take one back while it runs would be told as a cancellation."""
_BEGIN: Final = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//PFS Notice//Demo//EN\r\n"
_END: Final = "END:VCALENDAR\r\n"
_ENTRY: Final = """BEGIN:VEVENT\r
UID:{uid}@demo.pfs-notice\r
DTSTAMP:{stamp}\r
DTSTART:{start}\r
DTEND:{end}\r
SUMMARY:PFS telecon\r
DESCRIPTION:The weekly call of the demo. Press 1 on the phone to acknowledge.\r
LOCATION:Meeting room 1\r
END:VEVENT\r
"""


def calendar_of(member: Member) -> Calendar:
    """Return the demo's calendar; make it where it is missing."""
    calendar, _is_new = Calendar.objects.get_or_create(
        owner=member, name=_CALENDAR, kind=Calendar.Kind.ICAL_FILE
    )
    return calendar


def move_entry(calendar: Calendar, starts_at: datetime) -> None:
    """Have the calendar's first entry begin at this time, and no other be there."""
    _write(calendar, _entry("telecon", starts_at))


def ring_again(member: Member) -> bool:
    """Add an entry so that the phone rings in a few seconds; return False where the member has no demo."""
    calendar = Calendar.objects.filter(
        owner=member, name=_CALENDAR, kind=Calendar.Kind.ICAL_FILE, owner__user__username=NAME
    ).first()
    if calendar is None:
        return False
    instant = now()
    coming = Event.objects.filter(source=calendar.source, canceled_at=None, starts_at__lte=instant + _AGAIN)
    if coming.filter(starts_at__gt=instant + _RINGS).exists():
        return True  # that one is about to ring
    before = calendar.content.removeprefix(_BEGIN).removesuffix(_END).split("END:VEVENT\r\n")[:-1]
    kept = "".join(f"{entry}END:VEVENT\r\n" for entry in before[-_KEPT:])
    _write(calendar, kept + _entry(f"telecon-{instant:%Y%m%dT%H%M%S.%f}", instant + _AGAIN))
    return True


def _entry(uid: str, starts_at: datetime) -> str:
    start, end = _say(starts_at), _say(starts_at + _LENGTH)
    return _ENTRY.format(uid=uid, stamp=_say(now()), start=start, end=end)


def _write(calendar: Calendar, entries: str) -> None:
    text = f"{_BEGIN}{entries}{_END}"
    Calendar.objects.filter(pk=calendar.pk).update(content=text, next_sync_at=now(), is_active=True)
    calendar.refresh_from_db()
    sync(calendar, at=now())


def _say(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"
