"""What an entry says besides its time: texts made fit for notices, and the link to join by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from icalendar import Event

MAX_TITLE: Final = 500
MAX_DESCRIPTION: Final = 2000
UNTITLED: Final = "(no title)"

_URL: Final = re.compile(r"https?://[^\s<>\"'\\]{3,900}", re.IGNORECASE)
_MEETING_HOSTS: Final = (
    "bluejeans.com", "chime.aws", "gotomeet.me", "gotomeeting.com", "jit.si", "meet.google.com",
    "meet.lync.com", "teams.live.com", "teams.microsoft.com", "webex.com", "whereby.com", "zoom.us",
    "zoomgov.com", "zoom.com.cn",
)  # fmt: skip
_LINK_PROPERTIES: Final = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")


@dataclass(frozen=True, slots=True)
class Details:
    """An entry's texts."""

    title: str
    description: str = ""
    location: str = ""
    url: str = ""
    organiser: str = ""
    status: str = ""
    """"confirmed", "tentative", "cancelled", or "" where the entry does not say."""
    labels: Mapping[str, Any] = field(default_factory=dict)


def read_details(entry: Event) -> Details:
    """Return an entry's texts, cut to a sensible length."""
    title = _line(_text(entry, "SUMMARY"))[:MAX_TITLE]
    description = _text(entry, "DESCRIPTION").strip()
    location = _line(_text(entry, "LOCATION"))[:MAX_TITLE]
    status = _line(_text(entry, "STATUS")).lower()
    organiser = _organiser(entry)
    labels = {"status": status, "organiser": organiser, "category": _category(entry)}
    return Details(
        title=title or UNTITLED,
        description=description[:MAX_DESCRIPTION],
        location=location,
        url=_link(entry, location, description),
        organiser=organiser,
        status=status,
        labels={name: value for name, value in labels.items() if value},
    )


def _first(entry: Event, name: str) -> Any:
    value = entry.get(name)
    return value[0] if isinstance(value, list) and value else value


def _text(entry: Event, name: str) -> str:
    value = _first(entry, name)
    return str(value) if value else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _organiser(entry: Event) -> str:
    value = _first(entry, "ORGANIZER")
    if not value:
        return ""
    name = getattr(value, "params", {}).get("CN", "")
    address = re.sub(r"^mailto:", "", str(value), flags=re.IGNORECASE)
    return _line(str(name or address))[:200]


def _category(entry: Event) -> str:
    value = _first(entry, "CATEGORIES")
    categories = getattr(value, "cats", None) or []
    return _line(str(categories[0]))[:100] if categories else ""


def _link(entry: Event, location: str, description: str) -> str:
    """Return the link to join by; else the entry's own page; else ""."""
    for name in _LINK_PROPERTIES:
        if found := _web_address(_text(entry, name)):
            return found
    for text in (location, description, _text(entry, "URL")):
        for match in _URL.finditer(text):
            found = _web_address(match[0])
            if found and _is_meeting(found):
                return found
    return _web_address(_text(entry, "URL")) or _web_address(location)


def _is_meeting(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in _MEETING_HOSTS)


def _web_address(text: str) -> str:
    """Return the text if it is an address that may stand in a link, else ""."""
    text = text.strip().rstrip(".,;:)]}")
    if not _URL.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.hostname and not parts.username else ""
