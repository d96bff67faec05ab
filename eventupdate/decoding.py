"""From the bytes of an iCalendar feed to its text, unfolded.

Only ``bytes.replace`` and ``bytes.translate`` touch all of it: a pattern would store each piece between two matches,
which takes fifty times the memory of a feed that is folded at each character.
"""

import codecs
from typing import Final

from common.errors import FeedError

_CONTROL: Final = bytes(sorted({*range(0x20), 0x7F} - set(b"\t\n\r")))


def text_of(content: bytes, charset: str) -> str:
    """Return the text of a feed in unfolded lines that end with a newline character, without control characters.

    ``charset`` is the server's, used where UTF-8 fails. Raises ``FeedError`` for content that is not a calendar.
    """
    is_marked = content.startswith(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16", errors="replace").encode()
    if content.count(b"\0") > len(content) // 100:
        msg = "This is not a calendar but a binary file."
        raise FeedError(msg)
    text = _decoded(unfolded(content.translate(None, _CONTROL)), "" if is_marked else charset)
    _refuse_what_is_no_calendar(text)
    return text


def unfolded(raw: bytes) -> bytes:
    """Return the lines without folds (RFC 5545 section 3.1), and without empty lines.

    Lines are folded by octets, possibly inside a character, so they are unfolded before they are decoded.
    """
    raw = raw.replace(b"\r", b"\n")
    while b"\n\n" in raw:
        raw = raw.replace(b"\n\n", b"\n")
    return raw.replace(b"\n ", b"").replace(b"\n\t", b"")


def _decoded(raw: bytes, charset: str) -> str:
    for encoding in ("utf-8-sig", charset or "cp1252"):
        try:
            return raw.decode(encoding)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _refuse_what_is_no_calendar(text: str) -> None:
    start = text[:2000].lstrip("\ufeff \t\n")
    if not start:
        msg = "The calendar is empty."
    elif start[:15].upper() == "BEGIN:VCALENDAR":
        return
    elif start.startswith("<"):
        msg = "The server returned a web page instead of a calendar. The address may need a sign-in, or be wrong."
    else:
        msg = "This is not a calendar: it does not begin with BEGIN:VCALENDAR."
    raise FeedError(msg)
