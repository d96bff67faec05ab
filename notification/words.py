"""The words by which a text answers a notice: English ones and those of the member's language."""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext, override

from common.languages import TRANSLATED

_MODIFIERS: Final = frozenset("\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""How an emoji looks: in colour or not, and of which skin."""


_APOSTROPHES: Final = {ord("'"): "", 0x2019: ""}


class Word(StrEnum):
    """What a text says."""

    ACKNOWLEDGE = "acknowledge"
    PASS_ON = "pass_on"  # noqa: S105 - an answer
    SNOOZE = "snooze"
    STOP = "stop"
    START = "start"
    HELP = "help"
    UNKNOWN = "unknown"


_OF_TWILIO: Final[Mapping[Word, str]] = {
    Word.STOP: "stop, stopall, unsubscribe, cancel, end, quit, revoke, optout",
    Word.START: "start, unstop",
    Word.HELP: "help, info",
}
"""Twilio answers these by itself, and sends nothing more after those of STOP (error 21610) until one of START."""


def _ours() -> Mapping[Word, str]:
    """Return the words of the active language, separated by commas."""
    return {
        Word.ACKNOWLEDGE: gettext("Y, yes, OK, okay, 👍"),
        Word.PASS_ON: gettext("N, no, can't"),
        Word.SNOOZE: gettext("later, snooze"),
        Word.STOP: gettext("stop, no more"),
    }


def read(text: str, language: str) -> Word:
    """Return what a text says: the whole of it has to be one word of ours. Case and punctuation don't matter."""
    plain = _plain(text)
    for lists in (_OF_TWILIO, *_lists(language)):
        for word, listed in lists.items():
            if plain in {_plain(one) for one in listed.split(",")}:
                return word
    return Word.UNKNOWN


def is_answered_by_twilio(text: str) -> bool:
    """Say whether Twilio answers it by itself, and takes no message from us after it."""
    plain = _plain(text)
    return any(plain in {_plain(one) for one in listed.split(",")} for listed in _OF_TWILIO.values())


def _lists(language: str) -> list[Mapping[Word, str]]:
    found = []
    for code in dict.fromkeys((language, TRANSLATED[0])):
        with override(code):
            found.append(_ours())
    return found


def _plain(text: str) -> str:
    """Return a text in small letters, without what surrounds the words and without apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    letters = "".join(character for character in folded if character not in _MODIFIERS)
    first, last = 0, len(letters)
    while first < last and _is_outside(letters[first]):
        first += 1
    while last > first and _is_outside(letters[last - 1]):
        last -= 1
    return " ".join(letters[first:last].split())


def _is_outside(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"
