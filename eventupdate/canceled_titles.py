"""Titles that mean an event is canceled, for calendars whose producers only change the title."""

import re
from hashlib import sha256


class CanceledTitles:
    """Words that a member gave: a title that contains one of them is that of a canceled event."""

    def __init__(self, words: str) -> None:
        """Take words or phrases, separated by commas; with "^" before it one counts only at the beginning."""
        found = [_pattern(part) for part in words.split(",") if part.strip(" ^")]
        self._pattern = re.compile("|".join(found), re.IGNORECASE) if found else None
        self.mark = f" {sha256(words.encode()).hexdigest()[:16]}" if found else ""
        """A mark of the words, "" without any."""

    def include(self, title: str) -> bool:
        """Say whether a title is that of a canceled event."""
        return self._pattern is not None and self._pattern.search(title) is not None


def _pattern(word: str) -> str:
    """Return a pattern of a word that counts as a whole: "off" is not in "office"."""
    word = " ".join(word.split())
    bare = word.lstrip("^ ")
    before = "^" if word.startswith("^") else r"(?<!\w)" if bare[0].isalnum() else ""
    after = r"(?!\w)" if bare[-1].isalnum() else ""
    return before + re.escape(bare) + after
