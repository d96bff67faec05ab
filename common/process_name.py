"""What this process is, by the name that its signs of life bear."""

import sys
from pathlib import Path

_name = Path(sys.argv[0]).name


def name_process(name: str) -> None:
    """Say what this process is: ``web``, ``worker fire,urgent``."""
    global _name  # noqa: PLW0603 - one name for the whole process
    _name = name


def process_name() -> str:
    """Return what this process is; the name of its program where it has not said."""
    return _name
