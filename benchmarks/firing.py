"""How fast due notices are fired, and how late a single one is.

Web pushes to distinct subscriptions and plain HTTP (SMS), each due at one instant, on a durable
PostgreSQL with two Celery worker processes, against a TLS server on loopback that answers at next to no
cost. In the same run the same number of processes encrypts as many messages and does nothing else:
the ratio of the two rates is what counts, since it does not depend on the machine.

The time runs from the instant at which all are due until the last one is recorded. Pushes that were
planned half a minute before are encrypted by then ("planned"), as those of a calendar are; those that were
planned only a second before are not ("sudden"), as alerts of devices. Each has a target of its own.

``--against FOLDER`` runs the bursts of 10,000 in turns with those of an earlier version, a clone that is set up there,
and compares the rates.

Everything (database, broker, sink, workers) shares the machine's cores.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import http_ece
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from benchmarks.firing_stack import (
    PROCESSES,
    analyze,
    clear,
    new_point,
    peak_memory,
    seed,
    stack,
    workers,
)
from benchmarks.sink import Sink

SMALL, LARGE = 10_000, 100_000
PLANNED, SUDDEN, PAIRED = 0.45, 0.40, 0.95
LATE_SECONDS = 1.0
SINGLES = 100
TURNS = 3
_SUDDEN = timedelta(seconds=0.9)
_PLANNED = timedelta(seconds=25)
_PLANNED_LARGE = timedelta(seconds=55)
_MEMORY_SLACK = 1.1


@dataclass(frozen=True)
class Firing:
    """What one burst gave. Rates are deliveries a second, lateness is in seconds."""

    kind: str
    count: int
    prepared: int
    """How many were ready at the instant at which they were due."""
    rate: float
    p50: float
    p99: float
    memory_mb: float


def burst(kind: str, count: int, sink: Sink, ahead: timedelta) -> Firing:
    """Fire ``count`` deliveries that are due at one instant, planned so long before; workers start afresh."""
    from django.db.models import Max  # noqa: PLC0415

    from eventinvoke.models import Attempt, Delivery, Prepared  # noqa: PLC0415

    clear()
    seed(kind, count, sink)
    analyze()
    with workers() as worker:
        wait_for_workers(sink)
        if ahead > _SUDDEN:
            analyze()
        due_at = datetime.now(UTC) + ahead
        Delivery.objects.filter(state="pending").update(due_at=due_at, next_attempt_at=due_at)
        deadline = time.monotonic() + 60 + ahead.total_seconds() + count / 500
        time.sleep(max(0.0, (due_at - datetime.now(UTC)).total_seconds() - 0.1))
        prepared = Prepared.objects.count()
        time.sleep(max(0.0, (due_at - datetime.now(UTC)).total_seconds()))
        while left := Delivery.objects.exclude(state="sent").count():
            if time.monotonic() > deadline:
                states = list(Delivery.objects.values_list("state", "reason").distinct())
                raise SystemExit(f"{left} of {count} were not sent: {states}")
            time.sleep(0.25)
        memory = peak_memory(worker)
    rows = Delivery.objects.values_list("sent_at", flat=True).order_by("sent_at")
    late = [(sent_at - due_at).total_seconds() for sent_at in rows if sent_at is not None]
    recorded = Attempt.objects.filter(outcome="accepted").count()
    if recorded != count:
        raise SystemExit(f"{recorded} attempts are recorded, not {count}")
    last = Delivery.objects.aggregate(last=Max("sent_at"))["last"]
    seconds = (last - due_at).total_seconds()
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    return Firing(kind, count, prepared, count / seconds, p50, p99, memory)


def wait_for_workers(sink: Sink) -> None:
    """Return when a notice went through: the workers are up and their connections are open."""
    from eventinvoke.models import Attempt, Delivery, Event  # noqa: PLC0415

    seed("webpush", PROCESSES, sink, datetime.now(UTC))
    deadline = time.monotonic() + 60
    while Delivery.objects.filter(state="sent").count() < PROCESSES:
        if time.monotonic() > deadline:
            raise SystemExit(f"the workers did not start: {list(Attempt.objects.values())}")
        time.sleep(0.1)
    Event.objects.filter(deliveries__state="sent").delete()


def _encrypt_many(count: int) -> float:
    payload = b"x" * 330
    keys = [(new_point(), os.urandom(16)) for _ in range(100)]
    began = time.perf_counter()
    for number in range(count):
        point, secret = keys[number % 100]
        key = generate_private_key(SECP256R1())
        http_ece.encrypt(payload, private_key=key, dh=point, auth_secret=secret, version="aes128gcm")
    return time.perf_counter() - began


def bare_rate(count: int) -> float:
    """Return how many messages a second the same number of processes encrypts, doing nothing else.

    By ``http_ece``, the library that pywebpush encrypts with, so that the measure stays the same as ours gets faster.
    """
    share = count // PROCESSES
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        seconds = max(pool.map(_encrypt_many, [share] * PROCESSES, chunksize=1))
    return share * PROCESSES / seconds


def single_lateness(sink: Sink) -> list[float]:
    """Return how late single notices are on an idle system, each due at a moment of its own."""
    from eventinvoke.models import Delivery  # noqa: PLC0415

    clear()
    with workers():
        wait_for_workers(sink)
        seed("webpush", SINGLES, sink)
        due_at = datetime.now(UTC) + timedelta(seconds=3)
        for pk in Delivery.objects.filter(state="pending").values_list("pk", flat=True):
            Delivery.objects.filter(pk=pk).update(due_at=due_at, next_attempt_at=due_at)
            due_at += timedelta(seconds=random.uniform(0.3, 0.9))  # noqa: S311 - moments, no secret
        time.sleep((due_at - datetime.now(UTC)).total_seconds() + 2)
        # A minute without a receipt ends a push as undelivered; it was sent all the same.
        rows = list(Delivery.objects.filter(sent_at__isnull=False).values_list("sent_at", "due_at"))
    if len(rows) != SINGLES:
        states = list(
            Delivery.objects.exclude(state="sent").values_list("state", "reason", "due_at", "next_attempt_at")
        )
        raise SystemExit(f"{len(rows)} of {SINGLES} were sent: {states}")
    return sorted((sent_at - due).total_seconds() for sent_at, due in rows if sent_at is not None)


def main() -> None:
    """Run the whole and print the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small-only", action="store_true", help="Only the bursts of 10,000.")
    parser.add_argument(
        "--against", metavar="FOLDER", type=Path, help="Compare with the version in a folder."
    )
    options = parser.parse_args()
    if options.against:
        compare(options.against)
        return
    with TemporaryDirectory(prefix="pfsn-") as name, stack(Path(name)) as sink:
        bare = bare_rate(SMALL)
        bursts = [
            burst("webpush", SMALL, sink, _PLANNED),
            burst("webpush", SMALL, sink, _SUDDEN),
            burst("sms", SMALL, sink, _SUDDEN),
        ]
        late: list[float] = []
        if not options.small_only:
            bursts.append(burst("webpush", LARGE, sink, _PLANNED_LARGE))
            late = single_lateness(sink)
        bare = (bare + bare_rate(SMALL)) / 2
    report(bare, bursts, late)


def compare(folder: Path) -> None:
    """Run an earlier version and this one in turns, and print the rates of this one by those of the other."""
    here = Path(__file__).resolve().parent.parent
    rates: dict[Path, list[list[float]]] = {folder: [], here: []}
    for place in (folder, here) * TURNS:
        argv = [str(place / "script" / "bench"), "firing", "--small-only"]
        output = subprocess.run(argv, cwd=place, check=True, capture_output=True, text=True).stdout
        rates[place].append([one["rate"] for one in json.loads(output.splitlines()[-1])["bursts"]])
    before, after = (
        [statistics.median(column) for column in zip(*rates[place], strict=True)] for place in rates
    )
    names = ("planned", "sudden", "plain")
    ratios = {name: round(new / old, 3) for name, old, new in zip(names, before, after, strict=True)}
    for name, old, new in zip(names, before, after, strict=True):
        print(f"{name:<10}{old:>10.0f}{new:>10.0f}{ratios[name]:>8.2f}")
    held = all(ratio >= PAIRED for ratio in ratios.values())
    print(
        json.dumps(
            {
                "name": "firing",
                "paired": ratios,
                "target": PAIRED,
                "held": held,
                "rates": list(rates.values()),
            }
        )
    )


def report(bare: float, bursts: list[Firing], late: list[float]) -> None:
    """Print what was measured against what is to be reached."""
    print(
        f"\n{'':<10}{'count':>8}{'prepared':>10}{'per s':>10}{'of bare':>9}{'p50 s':>8}{'p99 s':>8}{'peak MB':>9}"
    )
    print(f"{'encrypt':<10}{SMALL:>8}{'':>10}{bare:>10.0f}{1:>9.2f}")
    for one in bursts:
        print(
            f"{one.kind:<10}{one.count:>8}{one.prepared:>10}{one.rate:>10.0f}{one.rate / bare:>9.2f}"
            f"{one.p50:>8.2f}{one.p99:>8.2f}{one.memory_mb:>9.1f}"
        )
    push, sudden, _plain, *large = bursts
    held = {
        "ratio": push.rate / bare >= PLANNED,
        "sudden_ratio": sudden.rate / bare >= SUDDEN,
        "large_rate": all(one.rate >= push.rate * 0.97 for one in large),
        "large_memory": all(one.memory_mb <= push.memory_mb * _MEMORY_SLACK for one in large),
    }
    single = late[int(len(late) * 0.99)] if late else None
    if single is not None:
        print(f"single, idle: p50 {late[len(late) // 2]:.3f} s, p99 {single:.3f} s of {len(late)}")
        held["single_p99"] = single < LATE_SECONDS
    print()
    print(
        json.dumps(
            {
                "name": "firing",
                "ratio": round(push.rate / bare, 3),
                "target": PLANNED,
                "sudden_target": SUDDEN,
                "held": all(held.values()),
                "holds": held,
                "bare_per_s": round(bare),
                "sudden_ratio": round(sudden.rate / bare, 3),
                "single_p99_s": single,
                "bursts": [asdict(one) for one in bursts],
            }
        )
    )


if __name__ == "__main__":
    main()
