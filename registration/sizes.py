"""Sizes that hold before Django is loaded, as the web server heeds them too."""

from typing import Final

MAX_FILE: Final = 10 * 1024 * 1024
"""Bytes of a calendar file that a member uploads."""
