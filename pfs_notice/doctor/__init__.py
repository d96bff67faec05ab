"""``manage.py doctor``: what is wrong with a running installation, and what to do about it."""

from collections.abc import Iterator
from typing import Final

from django.db import Error

from pfs_notice.doctor import broker, clocks, database, processes, public_url
from pfs_notice.doctor.findings import Finding, Level

__all__ = ["Finding", "Level", "examine"]

_NO_DATABASE: Final = "It does not answer: {}"
_START_IT: Final = "Start it, or correct DATABASE_URL. What else needs it was not examined."


def examine() -> Iterator[Finding]:
    """Yield what is found of each part, one after the other; it takes seconds where a part does not answer."""
    has_celery = True
    try:
        yield from database.examine()
        yield from processes.examine()
        has_celery = processes.has_celery()
    except Error as error:
        yield Finding("database", Level.WRONG, _NO_DATABASE.format(" ".join(str(error).split())), _START_IT)
    if has_celery:
        yield from broker.examine()
    yield from clocks.examine()
    yield from public_url.examine()
