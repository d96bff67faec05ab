"""The properties of a component: name and parameters before the colon, the value after it.

Values are parsed by hand and only where needed: parsing all of them with icalendar takes longer than
the rest of a sync.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from eventupdate.times import Time, read_time

_TIMES: Final = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"})
# Possessive, as backtracking would store a hundred bytes for each character.
_QUOTED: Final = re.compile(r'((?:[^":]++|"[^"]*+")*+):(.*)', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\\;,:\"nN])")
_ZONE: Final = re.compile(r';TZID=("[^"]*"|[^;]*)', re.IGNORECASE)
_VALUE: Final = re.compile(r";VALUE=\"?([A-Z-]+)\"?", re.IGNORECASE)
_CN: Final = re.compile(r';CN=("[^"]*"|[^;:]*)', re.IGNORECASE)
_CARETS: Final = {"^n": "\n", "^^": "^", "^'": '"'}
_DATE_DIGITS: Final = 8


class Property(NamedTuple):
    """One line of a component."""

    head: str
    """Its name and its parameters."""
    value: str

    @property
    def zone(self) -> str:
        """Its TZID, or ""."""
        found = _ZONE.search(self.head) if ";" in self.head else None
        return found[1].strip('"') if found else ""

    @property
    def kind(self) -> str:
        """Its VALUE in upper case, or ""."""
        found = _VALUE.search(self.head) if ";" in self.head else None
        return found[1].upper() if found else ""

    @property
    def text(self) -> str:
        """The value without escapes (RFC 5545 section 3.3.11)."""
        return unescaped(self.value)

    @property
    def person(self) -> tuple[str, str]:
        """The name (CN) and the address of a calendar user; "" for one that is missing."""
        found = _CN.search(self.head)
        # RFC 6868: ^n, ^^ and ^' encode characters that a parameter can't contain.
        name = re.sub(r"\^[n^']", lambda m: _CARETS[m[0]], found[1].strip('"')) if found else ""
        address = self.value.strip()
        if address[:7].lower() == "mailto:":
            address = address[7:]
        return " ".join(unescaped(name).split()), " ".join(address.split())

    def times(self) -> list[Time]:
        """Return its dates and times, without applying a zone. Raises ``ValueError``."""
        return [self.time(part) for part in self.parts()]

    def parts(self) -> list[str]:
        """Return the texts of its comma-separated list, without empty ones."""
        return [part for part in map(str.strip, self.value.split(",")) if part]

    def time(self, part: str) -> Time:
        """Return one of its parts as a date or time, without applying a zone. Raises ``ValueError``."""
        return read_time(part[:_DATE_DIGITS] if self.kind == "DATE" else part)


Properties = dict[str, list[Property]]
"""By name in upper case, in the order of the component."""


def read_properties(lines: Iterable[str]) -> Properties:
    """Return the properties of a component's lines, without lines that are no property."""
    found: Properties = {}
    for line in lines:
        head, colon, value = line.partition(":")
        name = head.partition(";")[0].strip().upper()
        if ";" in head and name in _TIMES:
            # A time has no colon, but Outlook's "TZID=(UTC+01:00) Amsterdam" has one.
            head, colon, value = line.rpartition(":")
        elif '"' in head and (match := _QUOTED.match(line)):
            head, value = match[1], match[2]
        if colon and name:
            found.setdefault(name, []).append(Property(head, value))
    return found


def first_value(properties: Properties, name: str) -> str:
    """Return the unchanged value of the first property of that name, or ""."""
    found = properties.get(name)
    return found[0].value.strip() if found else ""


def first_text(properties: Properties, name: str) -> str:
    """Return the text of the first property of that name, or ""."""
    found = properties.get(name)
    return found[0].text if found else ""


def unescaped(value: str) -> str:
    """Return a TEXT without its escapes."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def split_texts(value: str) -> list[str]:
    """Return the texts of a comma-separated list, without escapes."""
    return [unescaped(part) for part in re.split(r"(?<!\\),", value)]
