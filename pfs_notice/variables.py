"""Environment variables: those of the process, then those of the file ``.env`` next to ``manage.py``."""

import os
from io import StringIO
from pathlib import Path
from typing import Any, Final, cast

import environ
from django.core.exceptions import ImproperlyConfigured

FOLDER: Final = Path(__file__).resolve().parent.parent
"""The project's folder."""


class _File(environ.Env):  # type: ignore[misc]  # the library has no types
    """Reads a file into a mapping of its own."""

    ENVIRON: dict[str, str] = {}


def load() -> None:
    """Put the variables of the file into the environment, where they are not set; an empty one is not.

    Raises ``ImproperlyConfigured`` for a file that can't be read: without it another database would be taken.
    """
    file = FOLDER / ".env"
    try:
        lines = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ImproperlyConfigured(f"{file} can't be read: {reason}.") from None
    _File.ENVIRON = {}
    cast("Any", _File).read_env(StringIO(lines))
    for name, value in _File.ENVIRON.items():
        if not os.environ.get(name):
            os.environ[name] = value


def get(name: str, default: str = "") -> str:
    """Return a variable as text; an empty one counts as not set."""
    return os.environ.get(name) or default
