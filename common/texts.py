"""Texts that other people wrote: what may stand in ours, and where they may be cut.

Unicode Standard Annex 9 (the bidirectional algorithm) and Annex 29 (text segmentation) are the sources
of the rules.
"""

import re
from typing import Final
from unicodedata import category

ELLIPSIS: Final = "…"
_FSI, _PDI, _PDF = "\u2068", "\u2069", "\u202c"
_EMBEDDINGS: Final = frozenset("\u202a\u202b\u202d\u202e")
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""The marks, embeddings, overrides and isolates, and what ends them (Unicode's property Bidi_Control)."""
_has_bidi_controls: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]").search
_paragraphs: Final = re.compile("([\n\u2029])").split
_line_breaks: Final = re.compile("[\u2028\u2029\\s]*[\x00-\x1f\x7f-\x9f\u2028\u2029][\u2028\u2029\\s]*").sub
_unwanted: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]").sub

_JOINERS: Final = frozenset("\u200c\u200d")
_HALF_WIDTH_MARKS: Final = frozenset("\uff9e\uff9f")
_LONGEST_CHARACTER: Final = 64
"""Code points. A longer grapheme cluster is no character of any language, and may be cut."""
_LONGEST_WORD: Final = 24
"""Characters. A text is cut before a word that is at most so long, and inside a longer one."""


def cleaned(text: str) -> str:
    r"""Return the text without what can't be written: Unicode's categories Cc and Cs.

    Line breaks (as ``\n``) and tabs stay; so does all else: spaces of every width, joiners, marks.
    """
    return _unwanted("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return a text as it may stand in a header: a space in place of each run of breaks and controls."""
    return cleaned(_line_breaks(" ", text)).strip()


def isolated(text: str) -> str:
    """Return the text so that no bidirectional control in it reorders what stands before or after it.

    Each paragraph with such a control begins with FSI and ends with PDI, and what it leaves open is closed.
    A text that is isolated already stays as it is; one that was cut after that is repaired.
    """
    if not _has_bidi_controls(text):
        return text
    return "".join(_isolated(part) if _has_bidi_controls(part) else part for part in _paragraphs(text))


def _isolated(line: str) -> str:
    closers: list[str] = []
    unmatched = 0
    for character in line:
        if character in _EMBEDDINGS:
            closers.append(_PDF)
        elif character in _ISOLATES:
            closers.append(_PDI)
        elif character == _PDF and closers and closers[-1] == _PDF:
            closers.pop()
        elif character == _PDI and _PDI in closers:
            while closers.pop() != _PDI:
                pass
        elif character == _PDI:
            unmatched += 1
            closers.clear()
    balanced = _FSI * unmatched + line + "".join(reversed(closers))
    return balanced if _is_one_isolate(balanced) else f"{_FSI}{balanced}{_PDI}"


def _is_one_isolate(line: str) -> bool:
    """Say whether the first character of a balanced text begins an isolate that its last one ends."""
    depth = 0
    for place, character in enumerate(line):
        depth += (character in _ISOLATES) - (character == _PDI)
        if depth == 0:
            return place > 0 and place == len(line) - 1
    return False


def foreign(text: str) -> str:
    """Return a text of a calendar, a person or a program as it may stand in any of our messages."""
    return isolated(cleaned(text))


def foreign_url(url: str) -> str:
    """Return an address as it may stand in any of our messages; it leads to the same place."""
    return "".join(_percent(c) if c in BIDI_CONTROLS else c for c in cleaned(url))


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def cut(text: str, length: int) -> str:
    """Return the text within so many code points, cut where ``place_to_cut`` says, with an ellipsis."""
    if len(text) <= length:
        return text
    kept = text[: place_to_cut(text, length - len(ELLIPSIS))].rstrip()
    return f"{kept}{ELLIPSIS}"


def place_to_cut(text: str, end: int) -> int:
    """Return the best place at or before ``end``: where a word ends, if one does nearby, else a character."""
    if end >= len(text):
        return len(text)
    place = end
    while place > 0 and end - place < _LONGEST_CHARACTER and not _is_between_characters(text, place):
        place -= 1
    if not 0 < end - place < _LONGEST_CHARACTER:
        place = end
    word = place
    while word > 0 and place - word < _LONGEST_WORD:
        if text[word].isspace() or text[word - 1].isspace():
            return word
        word -= 1
    return place


def _is_between_characters(text: str, place: int) -> bool:
    """Say whether what stands before and after a place are two characters for a reader."""
    before, after = text[place - 1], text[place]
    if after in _JOINERS or after in _HALF_WIDTH_MARKS or before == "\u200d" or category(after)[0] == "M":
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return False  # the colour of a skin; the tags of a region's flag
    if "\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7fb":
        return False  # the vowel or the end of a Korean syllable
    if "\u1100" <= before <= "\u115f" and ("\u1100" <= after <= "\u115f" or "\uac00" <= after <= "\ud7a3"):
        return False
    return not (_is_regional(after) and _regionals_before(text, place) % 2)


def _is_regional(character: str) -> bool:
    """Say whether a character is one of the two that make the flag of a country."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, place: int) -> int:
    count = 0
    while count < place and _is_regional(text[place - 1 - count]):
        count += 1
    return count
