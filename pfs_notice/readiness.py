"""Whether this installation can tell people in time, part by part: ``/ready``, and what ``doctor`` says of the same."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import Error
from kombu.exceptions import OperationalError

from common.broker import lengths
from common.queues import Queue
from common.spacing import Spacing
from eventinvoke.sending.heartbeats import SILENT, is_stuck, large_skews, silence

BROKER_SECONDS: Final = 2.0
"""How long the broker may take to answer."""
_BROKER: Final = "The broker does not answer. Start it, or correct CELERY_BROKER_URL."
_WORKERS: Final = "{} tasks wait in the queue 'urgent' and no worker takes them. Start its workers."
_BEAT: Final = "Nothing was woken up {}, and no task waits: start the beat (celery -A pfs_notice beat)."
_STUCK: Final = "Notices are more than a minute late and none are being sent. Check the workers and the beat."
_SKEW: Final = "The clock of a machine differs from the database's by {} s. `manage.py doctor` names it."


_asking: Final = Spacing(3)
_said_last: int | None = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the installation."""

    name: str
    problem: str = ""
    """What is wrong and what to do; empty where all is well."""
    is_ready: bool = True
    """Whether people are told in time in spite of it."""


NO_DATABASE: Final = Part("database", "The database does not answer.", is_ready=False)


def parts() -> list[Part]:
    """Look at each part. Four queries by an index; the broker is asked only where no worker was woken up."""
    try:
        return [Part("database"), *_beat(), notices(), clocks()]
    except Error:
        return [NO_DATABASE]


def _beat() -> list[Part]:
    """Say whether rounds are done; if not, which of the three that it takes is missing: broker, worker or beat."""
    quiet = silence()
    if quiet is not None and quiet <= SILENT:
        return [Part("beat")]
    waiting = _waiting()
    if waiting is None:
        return [Part("broker", _BROKER, is_ready=False), Part("beat", _silent_for(quiet), is_ready=False)]
    if waiting:
        return [Part("workers", _WORKERS.format(waiting), is_ready=False)]
    return [Part("beat", _silent_for(quiet), is_ready=False)]


def _waiting() -> int | None:
    """Return how many wake-ups wait, None where the broker does not answer.

    Anyone may ask, so one thread waits for the broker, and others go on with what it said last.
    """
    global _said_last  # noqa: PLW0603 - one answer for the whole process
    if _asking.may_begin():
        try:
            _said_last = lengths([Queue.URGENT], seconds=BROKER_SECONDS)[Queue.URGENT]
        except OperationalError:
            _said_last = None
    return _said_last


def _silent_for(quiet: timedelta | None) -> str:
    since = "in the last day" if quiet is None else f"for {quiet.total_seconds():.0f} s"
    return _BEAT.format(since)


def notices() -> Part:
    """Say whether what is due is sent."""
    return Part("notices", _STUCK, is_ready=False) if is_stuck() else Part("notices")


def clocks() -> Part:
    """Say whether a machine's clock is far off; notices are sent in time all the same."""
    worst = max((abs(skew) for _host, skew in large_skews()), default=0.0)
    return Part("clocks", _SKEW.format(round(worst))) if worst else Part("clocks")
