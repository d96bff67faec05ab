"""The processes: whether they live, what each one's clock says, and whether they keep up."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from common.clock import now
from common.queues import Queue
from eventinvoke.sending.heartbeats import LARGE, SILENT, Sign, signs, silence
from eventinvoke.sending.wake import next_due
from pfs_notice import readiness
from pfs_notice.doctor.findings import Finding, Level

FRESH: Final = timedelta(minutes=2, seconds=30)
"""A worker gives a sign of life each minute; one without any for so long is gone."""
_LATE: Final = timedelta(seconds=5)
_WORKER: Final = "worker "


def examine() -> Iterator[Finding]:
    """Yield what is found. Raises the database's error where it does not answer."""
    yield from (_sign(one) for one in signs())
    yield from _beat()
    yield from _unserved()
    yield from _lateness()


def _sign(sign: Sign) -> Finding:
    name, age = f"{sign.program or 'a process'} on {sign.host}", now() - sign.at
    text = f"{name} was heard of {_seconds(age)} ago"
    if sign.skew is None:
        text += "."
    else:
        text += f"; its clock is {sign.skew:+.1f} s off the database's."
        if sign.is_far_off:
            limit = LARGE.total_seconds()
            return Finding(
                "process",
                Level.WRONG,
                text,
                f"Set the clock of {sign.host} by NTP: {limit:.0f} s is the most.",
            )
    if sign.program.startswith(_WORKER) and age > FRESH:
        return Finding("process", Level.NOTE, text, "It has ended, or hangs.")
    return Finding("process", Level.OK, text)


def _beat() -> Iterator[Finding]:
    quiet = silence()
    if quiet is not None and quiet <= SILENT:
        yield Finding("beat", Level.OK, f"The workers were woken up {_seconds(quiet)} ago.")
        return
    for part in readiness.parts():
        if not part.is_ready and part.name != "notices":
            yield Finding(part.name, Level.WRONG, part.problem)


def has_celery() -> bool:
    """Say whether Celery's workers do the work, or should; else `eventinvoke --forever` does."""
    quiet = silence()
    return quiet is None or quiet > SILENT or bool(_workers())


def _workers() -> list[Sign]:
    """Return the signs of Celery's workers that live."""
    return [one for one in signs() if one.program.startswith(_WORKER) and now() - one.at <= FRESH]


def _unserved() -> Iterator[Finding]:
    """Yield the queues whose tasks no living worker takes."""
    if not has_celery():
        yield Finding("workers", Level.NOTE, "None of Celery's: `eventinvoke --forever` does their work.")
        return
    served = {queue for one in _workers() for queue in one.program.removeprefix(_WORKER).split(",")}
    for queue in Queue:
        if queue not in served:
            text = f"No worker takes the tasks of the queue '{queue}'."
            yield Finding("workers", Level.WRONG, text, f"Start one: celery -A pfs_notice worker -Q {queue}")


def _lateness() -> Iterator[Finding]:
    notices, late = readiness.notices(), []
    for kind, at in sorted(next_due().items()):
        if now() - at > _LATE:
            late.append(f"{kind} {_seconds(now() - at)}")
    if not notices.is_ready:
        yield Finding("notices", Level.WRONG, f"{notices.problem} Late: {', '.join(late)}.")
    elif late:
        text = f"Late: {', '.join(late)}."
        yield Finding(
            "notices", Level.NOTE, text, "They are being sent; a provider takes only so many a second."
        )
    else:
        yield Finding("notices", Level.OK, "Nothing is late.")


def _seconds(time: timedelta) -> str:
    return f"{max(0.0, time.total_seconds()):.0f} s"
