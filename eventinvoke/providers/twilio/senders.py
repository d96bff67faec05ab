"""What calls and texts come from: a number, a short code, a name or a Messaging Service; by country if wanted.

``TWILIO_FROM_NUMBER`` (calls, and texts without the other) and ``TWILIO_TEXT_FROM`` (texts) have one grammar: entries
separated by commas. ``DE=PFS Notice`` is for numbers of that country (ISO 3166-1), an entry without a country for all
others. What can't be read is left out, and ``Senders.problems`` says so: nothing here keeps the server from starting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from django.conf import settings
from phonenumbers import SUPPORTED_REGIONS, NumberParseException, PhoneNumberFormat

_COUNTRY: Final = re.compile(r"([A-Za-z]{2})\s*=\s*(.*)", re.DOTALL)
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")
"""https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id: eleven characters, one a letter at least."""
_SPACE: Final = re.compile(r"[\s\u00a0()./-]+")
_NO_COUNTRY: Final = "001"
"""What phonenumbers calls the region of numbers that belong to no country."""


class Kind(StrEnum):
    """What a sender is."""

    NUMBER = "phone number"
    SHORT_CODE = "short code"
    NAME = "name"
    SERVICE = "Messaging Service"


class Sender(NamedTuple):
    """One sender."""

    kind: Kind
    text: str
    """As Twilio takes it: a number in E.164."""

    @property
    def field(self) -> tuple[str, str]:
        """The parameter of a request that names it."""
        return ("MessagingServiceSid" if self.kind is Kind.SERVICE else "From"), self.text

    @property
    def can_get_texts(self) -> bool:
        """Whether its messages can be answered by a text."""
        return self.kind is not Kind.NAME


@dataclass(frozen=True, slots=True)
class Senders:
    """The senders that one setting names."""

    default: Sender | None = None
    by_country: Mapping[str, Sender] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """A sentence about each entry that can't be used."""

    def of(self, country: str) -> Sender | None:
        """Return the sender for numbers of a country."""
        return self.by_country.get(country, self.default)

    @property
    def all(self) -> list[Sender]:
        """Every sender once."""
        found = [self.default] if self.default is not None else []
        return list(dict.fromkeys([*found, *self.by_country.values()]))


@lru_cache(maxsize=32)
def read(given: str) -> Senders:
    """Read the value of a setting."""
    default: Sender | None = None
    by_country: dict[str, Sender] = {}
    problems = []
    for entry in filter(None, (part.strip() for part in given.split(","))):
        country, text = _split(entry)
        sender = _sender(text)
        if country and country not in SUPPORTED_REGIONS:
            problems.append(f"{country} in {entry!r} is no country.")
        elif sender is None:
            problems.append(f"{text!r} is no phone number, short code, name or Messaging Service.")
        elif country:
            by_country.setdefault(country, sender)
        elif default is None:
            default = sender
        else:
            problems.append(f"{text!r} comes second; name the country that it is for, as in US={text}.")
    return Senders(default, by_country, tuple(problems))


def _split(entry: str) -> tuple[str, str]:
    found = _COUNTRY.fullmatch(entry)
    return (found[1].upper(), found[2].strip()) if found else ("", entry)


def _sender(text: str) -> Sender | None:
    if _SERVICE.fullmatch(text):
        return Sender(Kind.SERVICE, text)
    if _SHORT_CODE.fullmatch(text):
        return Sender(Kind.SHORT_CODE, text)
    if text.startswith("+"):
        number = _parsed(text)
        if number is None or not phonenumbers.is_possible_number(number):
            return None
        return Sender(Kind.NUMBER, phonenumbers.format_number(number, PhoneNumberFormat.E164))
    return Sender(Kind.NAME, text) if _NAME.fullmatch(text) else None


def _parsed(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(_SPACE.sub("", text), None)
    except NumberParseException:
        return None


@lru_cache(maxsize=16_384)
def country_of(number: str) -> str:
    """Return the country of a number in E.164 (ISO 3166-1); "" where it belongs to none or is not known."""
    parsed = _parsed(number)
    country = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    return "" if country in {None, _NO_COUNTRY} else str(country)


def for_call(to: str) -> Sender | None:
    """Return the number that calls ``to``; None where no number is set that can."""
    senders = read(settings.TWILIO_FROM_NUMBER)
    for sender in (senders.of(country_of(to)), senders.default, *senders.all):
        if sender is not None and sender.kind is Kind.NUMBER:
            return sender
    return None


def for_text(to: str) -> Sender | None:
    """Return the sender of texts to ``to``; None where none is set."""
    country = country_of(to)
    return read(settings.TWILIO_TEXT_FROM).of(country) or read(settings.TWILIO_FROM_NUMBER).of(country)


def own_countries() -> frozenset[str]:
    """Return the countries that the senders belong to or are for."""
    found: set[str] = set()
    for given in (settings.TWILIO_FROM_NUMBER, settings.TWILIO_TEXT_FROM):
        senders = read(given)
        numbers = (sender.text for sender in senders.all if sender.kind is Kind.NUMBER)
        found |= {*senders.by_country, *map(country_of, numbers)}
    return frozenset(found - {""})
