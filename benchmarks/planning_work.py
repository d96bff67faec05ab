"""One piece of what ``benchmarks.planning`` measures, in a process of its own; prints a line of JSON.

``edit SECONDS PK…`` | ``publish CALENDAR`` | ``move CALENDAR`` | ``cancel CALENDAR`` | ``remove PK``
| ``answer FIRST SECONDS`` | ``report FIRST SECONDS``.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import django
from django.db import connection, transaction

RATE: Final = 5.0
"""Acknowledgements a second, and as many callbacks."""
THREADS: Final = 8
REMOVALS: Final = 5


@contextmanager
def transactions() -> Iterator[list[float]]:
    """Note how long each outermost transaction of this process takes, in seconds."""
    lengths: list[float] = []
    begun: list[float] = []
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entered(self: transaction.Atomic) -> None:
        if not connection.in_atomic_block:
            begun[:] = [time.perf_counter()]
        enter(self)

    def left(self: transaction.Atomic, *problem: Any) -> None:
        leave(self, *problem)
        if not connection.in_atomic_block:
            lengths.append(time.perf_counter() - begun[0])

    transaction.Atomic.__enter__, transaction.Atomic.__exit__ = entered, left  # type: ignore[method-assign]
    try:
        yield lengths
    finally:
        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = enter, leave  # type: ignore[method-assign]


def timed(work: Callable[[], Any]) -> dict[str, Any]:
    """Do some planning; say how long it and its longest transaction took, and how much memory it added."""
    before = peak_memory()
    spent, began = time.process_time(), time.perf_counter()
    with transactions() as lengths:
        work()
    return {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - spent,
        "longest": max(lengths, default=0.0),
        "transactions": len(lengths),
        "peak_mb": round(peak_memory(), 1),
        "added_mb": round(peak_memory() - before, 1),
    }


def follow(until: float = float("inf")) -> None:
    """Plan what carries a mark, as wake-ups do, one after the other."""
    from eventinvoke.planning.replan import follow_changes, has_changes  # noqa: PLC0415

    while has_changes() and time.perf_counter() < until:
        follow_changes()


def edit(seconds: str, *pks: str) -> dict[str, Any]:
    """Move the steps of registrations by a minute and plan what follows, again and again for ``seconds``.

    Once, if that is 0. ``seconds`` of the answer are those of one round.
    """
    from django.db.models import F  # noqa: PLC0415

    from registration.models import Registration, Step  # noqa: PLC0415

    rounds = 0
    plans = list(map(int, pks))
    until = time.perf_counter() + float(seconds)

    def work() -> None:
        nonlocal rounds
        while not rounds or time.perf_counter() < until:
            with transaction.atomic():
                steps = Step.objects.filter(registration__in=plans)
                steps.update(offset=F("offset") - timedelta(minutes=1))
                Registration.objects.filter(pk__in=plans).changed()
            follow(until if float(seconds) else float("inf"))
            rounds += 1

    return {**timed(work), "rounds": rounds}


def publish(calendar: str) -> dict[str, Any]:
    """Publish a new event of a calendar."""
    return timed(lambda: _publish(calendar, timedelta(days=100)))


def move(calendar: str) -> dict[str, Any]:
    """Move this event by an hour."""
    return timed(lambda: _publish(calendar, timedelta(days=100, hours=1)))


def cancel(calendar: str) -> dict[str, Any]:
    """Cancel this event."""
    from eventinvoke.planning.publish import withdraw  # noqa: PLC0415

    return timed(lambda: withdraw(f"calendar:{calendar}", ["new"]))


def _publish(calendar: str, ahead: timedelta) -> None:
    from eventinvoke.planning.publish import EventDraft, publish  # noqa: PLC0415

    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    publish([EventDraft(f"calendar:{calendar}", "new", "telecon", day + ahead)])


def remove() -> dict[str, Any]:
    """Delete registrations, steps and targets of the crowd; return the median of each, in seconds."""
    from registration.models import Registration, Step, Target  # noqa: PLC0415

    found = {}
    crowd = Registration.objects.filter(name="crowd").order_by("pk")
    for offset, model in enumerate((Registration, Step, Target), 1):
        plans = [plan.pk for plan in crowd[offset * 100 : offset * 100 + REMOVALS]]
        column = {Registration: "pk", Step: "registration", Target: "steps__registration"}[model]
        times = []
        for one in model._default_manager.filter(**{f"{column}__in": plans}):
            began = time.perf_counter()
            one.delete()
            times.append(time.perf_counter() - began)
        found[model.__name__.lower()] = statistics.median(times)
    return found


def answer(first: str, seconds: str) -> dict[str, Any]:
    """Acknowledge what was sent, at a steady rate."""
    from eventinvoke.models import Delivery  # noqa: PLC0415
    from eventinvoke.replies.answers import acknowledge  # noqa: PLC0415

    return steadily(lambda pk: acknowledge(Delivery.objects.get(pk=pk), "inbox"), int(first), float(seconds))


def report(first: str, seconds: str) -> dict[str, Any]:
    """Report about what was sent, at a steady rate; every fourth says that it did not arrive."""
    from common.states import State  # noqa: PLC0415
    from eventinvoke.replies.receipts import Report, apply  # noqa: PLC0415

    def work(pk: int) -> None:
        means = State.DELIVERED if pk % 4 else State.UNDELIVERED
        apply(Report(UUID(int=pk), str(means), f"{pk}", means, kind="webpush"))

    return steadily(work, int(first), float(seconds))


def steadily(work: Callable[[int], Any], first: int, seconds: float) -> dict[str, Any]:
    """Do ``work`` with rising keys at a steady rate; return percentiles of the time from when each was due."""
    start = time.perf_counter() + 0.5

    def one(number: int) -> float:
        due = start + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        work(first + number)
        return time.perf_counter() - due

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _n: connection.ensure_connection(), range(THREADS)))
        times = list(pool.map(one, range(int(RATE * seconds))))
    late = sorted(times[THREADS:])  # the first ones load modules
    return {
        "count": len(late), "p50": late[len(late) // 2], "p99": late[int(len(late) * 0.99)], "max": late[-1],
    }  # fmt: skip


def peak_memory() -> float:
    """Return the largest resident memory that this process had, in MB."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - a file of the kernel
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    django.setup()
    pieces: dict[str, Callable[..., dict[str, Any]]] = {
        "edit": edit, "publish": publish, "move": move, "cancel": cancel, "remove": remove, "answer": answer,
        "report": report,
    }  # fmt: skip
    print(json.dumps(pieces[name](*arguments)))
