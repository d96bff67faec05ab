"""The offsets of steps in words: “1 hour 30 minutes before”, “at the start”, “2 minutes after”."""

import re
from datetime import timedelta
from typing import Final

from common.errors import InputError

_UNITS: Final = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_AT_START: Final = "at the start"
_PART: Final = re.compile(r"(\d{1,8}) (day|hour|minute|second)s?")
_WHOLE: Final = re.compile(rf"((?:{_PART.pattern}(?: and|,)? )+)(before|after)")
_HOW: Final = (
    "Type a time like “10 minutes before”, “1 hour 30 minutes before”, “at the start” or “2 minutes after”."
)


def say_offset(offset: timedelta) -> str:
    """Return an offset in words that ``read_offset`` reads as the same."""
    left, words = round(abs(offset).total_seconds()), []
    for name, size in _UNITS.items():
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join([*words, "before" if offset < timedelta(0) else "after"]) if words else _AT_START


def read_offset(text: str) -> timedelta:
    """Return the offset that words say. Raises ``InputError`` for other words."""
    words = " ".join(text.lower().split())
    if words == _AT_START:
        return timedelta(0)
    found = _WHOLE.fullmatch(words)
    if found is None:
        raise InputError(_HOW, field="offset")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(found[1]))
    return timedelta(seconds=-seconds if found[4] == "before" else seconds)
