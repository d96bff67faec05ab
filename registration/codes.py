"""The codes that people read on one screen and type on another."""

import secrets
import unicodedata
from typing import Final

DIGITS: Final = 6


def new_code() -> str:
    """Return a new code of six digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def normalise_code(text: str) -> str:
    """Return the digits of what was typed: spaces and hyphens are dropped, other scripts' digits read."""
    return "".join(str(unicodedata.decimal(c)) for c in text if unicodedata.decimal(c, None) is not None)
