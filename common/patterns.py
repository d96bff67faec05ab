"""Patterns that people type: regular expressions on RE2, whose time is linear in the text.

RE2 has no lookaround and no backreferences (https://github.com/google/re2/wiki/Syntax); whoever
types one is told so. A pattern is searched for, and upper and lower case are the same.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import re2

from common.errors import PatternError

MAX_LENGTH: Final = 500
_MEMORY: Final = 2 << 20
"""Bytes that one pattern may take; "\\pL{1000}" wants more, and would take seconds to compile."""
_SET_MEMORY: Final = 256 << 20
"""Bytes that the automaton of a set may grow to, at most; it takes what it needs."""
_SET_SIZE: Final = 500_000
"""Instructions that the patterns of one set may have together: far from what ``_SET_MEMORY`` holds,
as RE2 says of a set that has outgrown its memory that nothing was found."""

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


def check(pattern: str) -> str:
    """Return the pattern if it can be used.

    Raises ``PatternError`` with a sentence that says what RE2 lacks or where the pattern breaks.
    """
    if not pattern:
        msg = "Type a pattern."
        raise PatternError(msg, field="pattern")
    if len(pattern) > MAX_LENGTH:
        msg = f"The pattern is longer than {MAX_LENGTH} characters."
        raise PatternError(msg, field="pattern")
    if "\0" in pattern:
        msg = "A pattern can't hold a null character."
        raise PatternError(msg, field="pattern")
    _compile(pattern)
    return pattern


def is_valid(pattern: str) -> bool:
    """Say whether ``check`` takes the pattern."""
    try:
        check(pattern)
    except PatternError:
        return False
    return True


def find(pattern: str, text: str) -> tuple[int, int] | None:
    """Return where the pattern is first found in the text (start and end), or None."""
    found = _compile(pattern).search(text)
    return (found.start(), found.end()) if found else None


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
