"""What ``doctor`` says of one part."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; people are told in time."""
    WRONG = "WRONG"
    """To be mended: the exit code is 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was found, and what to do where it is not well."""

    part: str
    level: Level
    text: str
    advice: str = ""
