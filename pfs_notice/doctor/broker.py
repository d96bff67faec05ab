"""The broker: whether it answers, how much waits in it, and whether it keeps tasks over a restart."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from kombu.exceptions import OperationalError

from common.broker import SENDERS, facts, lengths
from common.queues import Queue
from pfs_notice.doctor.findings import Finding, Level
from pfs_notice.readiness import BROKER_SECONDS

_PART: Final = "broker"


def examine() -> Iterator[Finding]:
    """Yield what is found."""
    try:
        waiting = lengths(Queue, seconds=BROKER_SECONDS)
        kept = facts(seconds=BROKER_SECONDS)
    except OperationalError as error:
        scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
        text = f"The one of CELERY_BROKER_URL ({scheme}) does not answer: {error}"
        yield Finding(_PART, Level.WRONG, text, "Start it, or correct the address.")
        return
    text = ", ".join(f"{queue} {count}" for queue, count in waiting.items())
    if max(waiting.values()) < SENDERS:
        yield Finding(_PART, Level.OK, f"It answers. Tasks that wait: {text}.")
    else:
        advice = "Workers of the longest queue are missing, or too few."
        yield Finding(_PART, Level.WRONG, f"Tasks that wait: {text}.", advice)
    yield from _keeping(kept)


def _keeping(kept: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether tasks survive a restart of the broker, and memory that is full."""
    if not kept:
        yield Finding(_PART, Level.NOTE, "Whether it keeps tasks can be told of Redis and Valkey only.")
        return
    wrong = []
    if not kept.get("aof_enabled"):
        wrong.append(("A restart loses the tasks that wait.", "Set `appendonly yes`."))
    elif kept.get("aof_last_write_status", "ok") != "ok":
        wrong.append(("It can't write its file.", "Look at its log and at the room on its disk."))
    policy = kept.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        wrong.append(
            (
                f"It throws tasks away when its memory is full ({policy}).",
                "Set `maxmemory-policy noeviction`.",
            )
        )
    for text, advice in wrong:
        yield Finding(_PART, Level.WRONG, text, advice)
    if not wrong:
        yield Finding(_PART, Level.OK, "It keeps tasks over a restart.")
