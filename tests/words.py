"""A linter for words that make sentences hard to read; ``script/check`` runs it.

They stand for an actor or a thing that the sentence should name: "nobody picked up" is "no answer", "whoever
may edit" is "members who may edit", "made anew" is "made again". All text files count, with names of tests.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_WORDS: Final = re.compile(r"(?<![a-z])(nobody|whoever|somebody|anew|whatever)(?![a-z])", re.IGNORECASE)
_SUFFIXES: Final = frozenset({"", ".css", ".html", ".in", ".js", ".md", ".py", ".toml", ".txt", ".yaml"})
_PASSED_OVER: Final = (
    "static/vendor/",
    "tests/platform/test_words.py",
    "tests/servers/base.py",  # it names the system's account
    "tests/words.py",
)
ALLOWED: Final[tuple[str, ...]] = ()
"""Folders and files that are not clean yet."""


def find(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the word of each find."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _WORDS.finditer(line):
            yield number, match.group()


def is_checked(name: str) -> bool:
    """Say whether a file, by its path in the repository, is held against the list."""
    path = Path(name)
    is_text = path.suffix in _SUFFIXES and "migrations" not in path.parts
    return is_text and not name.startswith((*_PASSED_OVER, *ALLOWED))


def main() -> int:
    """Print each find as ``path:line: word``; return 1 if there is any."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and is_checked(name) and Path(name).is_file()]
    found = [f"{name}:{line}: {word}" for name in names for line, word in find(Path(name).read_text("utf-8"))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
