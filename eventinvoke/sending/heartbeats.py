"""Keeping the time, and signs of life: what the health check and ``manage.py check`` report."""

import logging
import socket
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from common import clock
from common.clock import now
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

_report: Final = Spacing(60)
_fired: Final[defaultdict[str, Spacing]] = defaultdict(lambda: Spacing(10))


def keep_time() -> None:
    """Read the database's clock where that is due, and report once a minute how far this machine's is off.

    To be called when a piece of work begins (see ``common.clock.synchronise``, whose errors it raises).
    """
    if not clock.synchronise():
        return
    skew = clock.skew()
    if skew is None or not _report.may_begin():
        return
    host = socket.gethostname()
    if abs(skew) > LARGE:
        log.warning("the clock of %s is %+.1f s off the database's", host, skew.total_seconds())
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, host[:255], now(), skew.total_seconds())


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


def large_skews() -> Iterable[tuple[str, float]]:
    """Return the host names of the machines whose clocks are far off, and by how many seconds."""
    reports = Heartbeat.objects.filter(topic=Heartbeat.Topic.CLOCK, at__gt=now() - _RECENT)
    pairs = reports.order_by("name").values_list("name", "skew")
    return [(name, skew) for name, skew in pairs if skew is not None and abs(skew) > LARGE.total_seconds()]
