"""Keeping the time, and signs of life: what ``/health``, ``/ready``, ``manage.py check`` and ``doctor`` report."""

import logging
import socket
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from common import clock
from common.clock import now
from common.process_name import process_name
from common.spacing import Spacing
from eventinvoke.models import Heartbeat
from eventinvoke.sending.wake import next_due

log = logging.getLogger(__name__)

LARGE: Final = timedelta(seconds=3)
"""A machine's clock that is further off than this is reported."""
OVERDUE: Final = timedelta(seconds=60)
"""What is overdue by more, while its kind is not looked after, is reported."""
_RECENT: Final = timedelta(minutes=10)
"""Older reports of clocks count no more: the machine may be gone, or mended and idle."""

SILENT: Final = timedelta(seconds=10)
"""Without a round for so long, nothing wakes the senders."""

_report: Final = Spacing(60)
_round: Final = Spacing(3)
_fired: Final[defaultdict[str, Spacing]] = defaultdict(lambda: Spacing(10))


class Sign(NamedTuple):
    """The latest sign of life of one program on one machine."""

    host: str
    program: str
    at: datetime
    skew: float | None
    """Seconds by which the machine's clock is ahead of the database's; None where the machine's is used."""

    @property
    def is_far_off(self) -> bool:
        """Say whether the machine's clock is further off than ``LARGE``."""
        return self.skew is not None and abs(self.skew) > LARGE.total_seconds()


def keep_time() -> None:
    """Read the database's clock where that is due, and give a sign of life once a minute.

    To be called when a piece of work begins (see ``common.clock.synchronise``, whose errors it raises).
    """
    if clock.synchronise() and _report.may_begin():
        give_sign()


def give_sign() -> None:
    """Write down that this process lives, and how far its machine's clock is off the database's."""
    skew, host = clock.skew(), socket.gethostname()
    if skew is not None and abs(skew) > LARGE:
        log.warning("the clock of %s is %+.1f s off the database's", host, skew.total_seconds())
    seconds = None if skew is None else skew.total_seconds()
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, f"{host} {process_name()}"[:255], now(), seconds)


def note_round() -> None:
    """Write down, at most every three seconds, that a round was done."""
    if _round.may_begin():
        Heartbeat.objects.note(Heartbeat.Topic.ROUND, "", now())


def silence() -> timedelta | None:
    """Return for how long no round was done; None where there was none in the last day."""
    last = Heartbeat.objects.filter(topic=Heartbeat.Topic.ROUND).values_list("at", flat=True).first()
    return None if last is None else max(timedelta(0), now() - last)


def note_fired(kind: str) -> None:
    """Write down, at most every ten seconds, that what was due of a kind was sent, if there was any."""
    if _fired[kind].may_begin():
        Heartbeat.objects.note(Heartbeat.Topic.FIRE, kind, now())


def is_stuck() -> bool:
    """Say whether deliveries are overdue by more than a minute of a kind that was not looked after meanwhile.

    A kind whose provider takes a few messages a second may be late; it is looked after all the same.
    """
    limit = now() - OVERDUE
    overdue = [kind for kind, at in next_due().items() if at <= limit]
    beats = Heartbeat.objects.filter(topic=Heartbeat.Topic.FIRE, name__in=overdue, at__gt=limit)
    return bool(overdue) and beats.count() < len(overdue)


def signs() -> list[Sign]:
    """Return the latest signs of life of the last ten minutes, by host and program."""
    reports = Heartbeat.objects.filter(topic=Heartbeat.Topic.CLOCK, at__gt=now() - _RECENT).order_by("name")
    return [Sign(*_parted(name), at, skew) for name, at, skew in reports.values_list("name", "at", "skew")]


def _parted(name: str) -> tuple[str, str]:
    host, _, program = name.partition(" ")
    return host, program


def large_skews() -> Iterable[tuple[str, float]]:
    """Return the host names of the machines whose clocks are far off, and by how many seconds."""
    skews = {one.host: one.skew for one in signs() if one.skew is not None and one.is_far_off}
    return list(skews.items())
