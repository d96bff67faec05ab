"""Patterns that people type: regular expressions on RE2, whose time is linear in the text, or plain words.

RE2 has no lookaround and no backreferences (https://github.com/google/re2/wiki/Syntax); the error for one
says so. A pattern may match anywhere in the text, without regard to case.

Plain words all have to occur, in any order, also as parts of longer words; words in quotes stay together. Each of them becomes an RE2 pattern of its own.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

import re2

from common.errors import PatternError

REGEX: Final = "regex"
WORDS: Final = "words"
MAX_LENGTH: Final = 500
_MEMORY: Final = 2 << 20
"""Bytes that one pattern may take; "\\pL{1000}" wants more, and would take seconds to compile."""
_SET_MEMORY: Final = 256 << 20
"""Bytes that the automaton of a set may take, at most."""
_SET_SIZE: Final = 500_000
"""Instructions that the patterns of one set may have together. It stays far below ``_SET_MEMORY``, because a set
that runs out of memory reports that nothing was found."""

_QUOTES: Final = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d", '"'))
"""Quotation marks as phones and word processors write them, and the Japanese ones."""
_WORD: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_SPACE: Final = r"[\s\pZ]+"
_MARKS: Final = 20

_LACKING: Final = (
    (re.compile(r"\(\?<?[=!]"), "Lookahead and lookbehind, “(?=…)” and the like, can't be used."),
    (re.compile(r"\\[1-9]|\(\?P="), "A back-reference like “\\1” can't be used."),
    (re.compile(r"\(\?>|[*+?}]\+"), "Possessive and atomic groups can't be used."),
)


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = memory
    return options


def _explain(pattern: str, error: object) -> str:
    for lacking, sentence in _LACKING:
        if lacking.search(pattern):
            return sentence
    said = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
    if "too large" in said:
        return "This pattern repeats too much to be searched for. Use smaller numbers in {}."
    return f"This is not a valid pattern: {said}."


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> "re2._Regexp":
    try:
        return re2.compile(pattern, options=_options(_MEMORY))
    except re2.error as error:
        raise PatternError(_explain(pattern, error.args[0] if error.args else ""), field="pattern") from None


def words(text: str) -> list[str]:
    """Return the plain words of a text; a quotation, in quotes of any sort, is one of them.

    A quotation without an end extends to the end of the text: it is still being typed.
    """
    found = (quoted or plain for quoted, plain in _WORD.findall(text.translate(_QUOTES)))
    return list(dict.fromkeys(word for each in found if (word := " ".join(each.split()))))


def has_open_quote(text: str) -> bool:
    """Say whether a quotation among plain words has no end."""
    return text.translate(_QUOTES).count('"') % 2 == 1


@lru_cache(maxsize=4096)
def parts(pattern: str, syntax: str = REGEX) -> tuple[str, ...]:
    """Return the RE2 patterns that all have to match where ``pattern`` matches."""
    if syntax != WORDS:
        return (pattern,)
    return tuple(_SPACE.join(map(re2.escape, word.split())) for word in words(pattern))


def check(pattern: str, syntax: str = REGEX, field: str = "pattern") -> str:
    """Return the pattern if it can be used.

    Raises ``PatternError`` (with ``field``) with a sentence that says what RE2 lacks or where the
    fault is.
    """
    if not pattern:
        msg = "Enter a pattern."
        raise PatternError(msg, field=field)
    if len(pattern) > MAX_LENGTH:
        msg = f"The pattern is longer than {MAX_LENGTH} characters."
        raise PatternError(msg, field=field)
    if "\0" in pattern:
        msg = "A pattern can't hold a null character."
        raise PatternError(msg, field=field)
    if not parts(pattern, syntax):
        msg = "Enter at least one word."
        raise PatternError(msg, field=field)
    try:
        for part in parts(pattern, syntax):
            _compile(part)
    except PatternError as error:
        raise PatternError(error.message, field=field) from None
    return pattern


def is_valid(pattern: str, syntax: str = REGEX) -> bool:
    """Say whether ``check`` takes the pattern."""
    try:
        check(pattern, syntax)
    except PatternError:
        return False
    return True


def find(pattern: str, text: str) -> tuple[int, int] | None:
    """Return where the pattern is first found in the text (start and end), or None."""
    found = _compile(pattern).search(text)
    return (found.start(), found.end()) if found else None


def find_all(pattern: str, text: str, syntax: str = REGEX) -> list[tuple[int, int]]:
    """Return all places where the pattern is found, from left to right, at most ``_MARKS`` of each part.

    They do not overlap, and none is empty. The result is empty unless all words occur.
    """
    places: list[tuple[int, int]] = []
    for part in parts(pattern, syntax):
        if not _compile(part).search(text):
            return []
        spans = (found.span() for found in _compile(part).finditer(text))
        places += islice(((start, end) for start, end in spans if end > start), _MARKS)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


class PatternSet:
    """Many patterns, matched against a text in one pass."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns. Raises ``PatternError`` for one that can't be used."""
        self._sets: list[tuple[int, re2.Set]] = []
        size = _SET_SIZE
        for index, pattern in enumerate(patterns):
            size += _compile(pattern).programsize
            if size > _SET_SIZE:
                size = _compile(pattern).programsize
                self._sets.append((index, re2.Set.SearchSet(_options(_SET_MEMORY))))
            self._sets[-1][1].Add(pattern)
        for _first, some in self._sets:
            some.Compile()

    def matches(self, text: str) -> list[int]:
        """Return the indexes of the patterns that are found in the text, in rising order."""
        return sorted(first + index for first, some in self._sets for index in some.Match(text) or ())

    def matches_of(self, texts: Iterable[str]) -> dict[str, list[int]]:
        """Return the same for several texts; each distinct text is matched once."""
        return {text: self.matches(text) for text in dict.fromkeys(texts)}
