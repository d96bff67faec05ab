"""A member's own text for a notice, with fields like ``{title}`` in it.

Fields are plain names. Attributes, indexes, formats and conversions, which ``str.format`` would accept, are
refused. ``{{`` and ``}}`` stand for the braces themselves.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter
from typing import Final

from common.errors import InputError

FIELDS: Final[dict[str, str]] = {
    "title": "title",
    "start": "day and time of the start",
    "end": "day and time of the end",
    "date": "day of the start",
    "time": "time of the start",
    "distance": "time until the start, like “in 10 minutes”",
    "place": "location",
    "link": "link of the conference, or of the event",
    "description": "beginning of the description",
    "organiser": "organiser",
    "calendar": "name of the calendar",
}
"""The fields that a text may contain, with a description for people."""
MAX_LENGTH: Final = 2000

Piece = tuple[str, str]
"""Text, and the name of the field that follows it ("" where none does)."""


def check_template(text: str) -> str:
    """Return the text if it can be used.

    Raises ``InputError`` (with ``field``) that says which name is unknown and which may be meant, or which
    brace is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"The text is longer than {MAX_LENGTH} characters.", field="text")
    if "\0" in text:
        raise InputError("The text can't hold a null character.", field="text")
    _pieces(text)
    return text


def fields_of(text: str) -> frozenset[str]:
    """Return the names of the fields in a text that was checked; no names if the text can't be used."""
    try:
        return frozenset(name for _before, name in _pieces(text) if name)
    except InputError:
        return frozenset()


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """Return the text with the value of each field in its place.

    A line is left out if it has fields and all of them are empty. Raises ``InputError`` for a
    text that can't be used.
    """
    lines = (_filled(line, value_of) for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join(line for line in lines if line is not None).strip()


def _filled(line: str, value_of: Callable[[str], str]) -> str | None:
    said: list[str] = []
    has_fields = has_values = False
    for before, name in _pieces(line):
        value = value_of(name) if name else ""
        said += before, value
        has_fields |= bool(name)
        has_values |= bool(value)
    return None if has_fields and not has_values else "".join(said)


@lru_cache(maxsize=1024)
def _pieces(text: str) -> tuple[Piece, ...]:
    try:
        found = list(Formatter().parse(text))
    except ValueError:
        raise InputError(_explain(text), field="text") from None
    pieces = []
    for before, name, form, conversion in found:
        if name is not None:
            _check_name(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""))
        pieces.append((before, name or ""))
    return tuple(pieces)


def _check_name(name: str) -> None:
    if name in FIELDS:
        return
    if not name.strip():
        raise InputError("Write a field between the braces, like {title}.", field="text")
    close = get_close_matches(name.strip().lower(), FIELDS, n=1)
    if close:
        raise InputError(f"There is no {{{name}}}; did you mean {{{close[0]}}}?", field="text")
    every = ", ".join(f"{{{one}}}" for one in FIELDS)
    raise InputError(f"There is no {{{name}}}. There are {every}.", field="text")


def _explain(text: str) -> str:
    """Return the sentence that says which brace is unmatched, and how to write a literal brace."""
    opened = 0
    for brace in text.replace("{{", "").replace("}}", ""):
        opened += (brace == "{") - (brace == "}")
        if opened < 0:
            return "A } has no { before it. Write }} for the brace itself."
        if opened > 1:
            return "A { stands inside another. Write {{ for the brace itself."
    if not opened:
        return "Write a field alone between the braces, like {title}."
    return "A { is not closed by a }. Write {{ for the brace itself."
