"""The texts of an entry, cut to a length that fits a notice, and the link to join by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from eventupdate.properties import Properties, first_text, first_value, split_texts

MAX_TITLE: Final = 500
MAX_DESCRIPTION: Final = 2000
MAX_ATTENDEES: Final = 200
MAX_ATTENDEE: Final = 200
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
    """The texts of an entry."""

    title: str
    description: str = ""
    location: str = ""
    url: str = ""
    organiser: str = ""
    attendees: str = ""
    """Names and addresses, a line each."""
    status: str = ""
    """"confirmed", "tentative", "cancelled", or "" where the entry does not say."""
    labels: Mapping[str, Any] = field(default_factory=dict)


def read_details(entry: Properties) -> Details:
    """Return the texts of an entry, cut to the lengths above."""
    title = _line(first_text(entry, "SUMMARY"))[:MAX_TITLE]
    description = first_text(entry, "DESCRIPTION").strip()
    location = _line(first_text(entry, "LOCATION"))[:MAX_TITLE]
    status = _line(first_text(entry, "STATUS")).lower()
    organiser = _organiser(entry)
    labels = {
        "status": status,
        "organiser": organiser,
        "category": _category(entry),
        "busy": _busy(entry),
    }
    return Details(
        title=title or UNTITLED,
        description=description[:MAX_DESCRIPTION],
        location=location,
        url=_link(entry, location, description),
        organiser=organiser,
        attendees=_attendees(entry),
        status=status,
        labels={name: value for name, value in labels.items() if value},
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _organiser(entry: Properties) -> str:
    name, address = entry["ORGANIZER"][0].person if "ORGANIZER" in entry else ("", "")
    return (name or address)[:200]


def _attendees(entry: Properties) -> str:
    """Return the attendees, one per line: "Ana Sol <ana@example.org>"."""
    lines = []
    for attendee in entry.get("ATTENDEE", [])[:MAX_ATTENDEES]:
        name, address = attendee.person
        lines.append((f"{name} <{address}>" if name and address else name or address)[:MAX_ATTENDEE])
    return "\n".join(filter(None, lines))


def _category(entry: Properties) -> str:
    return _line(split_texts(first_value(entry, "CATEGORIES"))[0])[:100]


def _busy(entry: Properties) -> str:
    """Return "away" for an absence, "free" for a transparent entry, else ""."""
    said = first_value(entry, "X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if said == "OOF":
        return "away"
    is_free = said == "FREE" or first_value(entry, "TRANSP").upper() == "TRANSPARENT"
    return "free" if is_free else ""


def _link(entry: Properties, location: str, description: str) -> str:
    """Return the link to the online meeting; without one the entry's own page, or ""."""
    for name in _LINK_PROPERTIES:
        if found := _web_address(first_text(entry, name)):
            return found
    for text in (location, description, first_text(entry, "URL")):
        for match in _URL.finditer(text):
            found = _web_address(match[0])
            if found and _is_meeting(found):
                return found
    return _web_address(first_text(entry, "URL")) or _web_address(location)


def _is_meeting(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in _MEETING_HOSTS)


def _web_address(text: str) -> str:
    """Return the text if it is a URL that may be used as a link, else ""."""
    if "://" not in text:
        return ""  # the usual case, found fast
    text = text.strip().rstrip(".,;:)]}")
    if not _URL.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.hostname and not parts.username else ""
