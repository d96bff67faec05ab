"""What planning costs with a million pending deliveries, and how long it keeps others waiting.

The world is that of ``planning_seed``, on a durable PostgreSQL (or, with ``--sqlite``, on SQLite). Measured are

- acknowledgements and callbacks at a steady rate, each kind in a process of its own, while one of 100 catch-alls
  on 2,000 events is edited, and while all 100 are (``--seconds`` of each);
- an edit of one registration, by how many events it has: the time has to grow in proportion;
- one event with 20,000 registrations that is published, moved and canceled: no transaction may be long;
- deleting a registration, a step and a target.

Everything shares the machine's cores; the load average is printed, as the times of a busy machine say little.
Exits with 1 if a target is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import django

from benchmarks import planning_seed
from benchmarks.planning_work import RATE
from tests.servers import PostgreSQL

ANSWERED_WITHIN: Final = {"postgresql": 0.25, "sqlite": 1.0}
"""The 99th percentile of answers and callbacks, in seconds."""
TRANSACTION: Final = {"postgresql": 0.25, "sqlite": 1.0}
"""The longest transaction of planning, in seconds."""
GROWTH: Final = 15.0
"""An edit with 1,000 events takes so much longer than one with 100, at most."""
ADDED_MB: Final = 150.0
"""Memory that one event with 20,000 registrations adds to a process."""
REMOVED_WITHIN: Final = 0.1
"""Seconds for deleting a registration, step or target."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    target: float | None
    unit: str = "s"
    note: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the target is reached."""
        return self.target is None or self.value <= self.target


@contextmanager
def stack(folder: Path, *, is_sqlite: bool) -> Iterator[None]:
    """Run the database, and set up Django in this process on it."""
    with nullcontext() if is_sqlite else PostgreSQL(is_durable=True) as database:
        os.environ |= {
            "PFS_NOTICE_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
            "DATABASE_URL": database.url if database else f"sqlite:///{folder / 'db.sqlite3'}",
        }
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - after the set-up

        call_command("migrate", verbosity=0)
        yield


def start(*arguments: object) -> "subprocess.Popen[str]":
    """Begin a piece of the work in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.planning_work", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a piece of the work and return what it printed."""
    output, _errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args!r} failed")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


class Replies:
    """Runs replies at a steady rate; each run takes other deliveries than the ones before."""

    def __init__(self) -> None:
        from eventinvoke.models import Delivery  # noqa: PLC0415

        self._next = Delivery.objects.filter(state="sent").order_by("pk").values_list("pk", flat=True)[0]

    def during(self, seconds: float, *edited: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Reply for a while, as some registrations are edited again and again; return what both took."""
        count = int(seconds * RATE)
        answers = start("answer", self._next, seconds)
        reports = start("report", self._next + count, seconds)
        self._next += 2 * count
        found = result(start("edit", seconds, *edited)) if edited else {}
        return found, {"acknowledgement": result(answers), "callback": result(reports)}


def replying(seconds: float, vendor: str) -> Iterator[Figure]:
    """Measure replies: at rest, while one catch-all is edited, and while all are."""
    from registration.models import Registration  # noqa: PLC0415

    catch_alls = list(Registration.objects.filter(name="catch-all").values_list("pk", flat=True))
    replies = Replies()
    for label, edited in (("at rest", []), ("one edited", catch_alls[:1]), ("all edited", catch_alls)):
        found, kinds = replies.during(seconds, *edited)
        for kind, took in kinds.items():
            target = ANSWERED_WITHIN[vendor] if edited else None
            note = f"p50 {took['p50']:.3f}, max {took['max']:.3f} of {took['count']}"
            yield Figure(f"{kind}, {label}, p99", took["p99"], target, note=note)
        if edited:
            note = f"{found['transactions']} transactions, {found['processor']:.1f} s of processor"
            yield Figure(f"transaction, {label}", found["longest"], TRANSACTION[vendor], note=note)


def editing(keys: Mapping[str, int]) -> Iterator[Figure]:
    """Measure an edit of one registration, by how many events it has."""
    times = {}
    for size in planning_seed.PROBES:
        found = min((result(start("edit", 0, keys[f"probe{size}"])) for _ in range(3)), key=_seconds)
        times[size] = found["seconds"]
        note = f"{found['processor']:.2f} s of processor, longest transaction {found['longest']:.3f}"
        yield Figure(f"edit with {size} events", found["seconds"], None, note=note)
    yield Figure("edit with 1,000, of 100 events", times[1_000] / times[100], GROWTH, "times")
    found = min((result(start("edit", 0, keys["probe_crowd"])) for _ in range(3)), key=_seconds)
    note = f"{planning_seed.CROWD_EVENTS} events with 20,000 plans each; of an edit with 100 events"
    yield Figure("edit in a crowd", found["seconds"] / times[100], 1.0, "times", note)


def _seconds(found: Mapping[str, Any]) -> float:
    return float(found["seconds"])


def crowding(keys: Mapping[str, int], vendor: str) -> Iterator[Figure]:
    """Measure one event with 20,000 registrations."""
    for what in ("publish", "move", "cancel"):
        found = result(start(what, keys["crowd"]))
        note = f"{found['transactions']} transactions in {found['seconds']:.1f} s, {found['processor']:.1f} of processor"
        yield Figure(f"{what} for 20,000, longest", found["longest"], TRANSACTION[vendor], note=note)
        note = f"{found['peak_mb']} in all"
        yield Figure(f"{what} for 20,000, memory", found["added_mb"], ADDED_MB, "MB", note)


def measure(seconds: float, vendor: str) -> Iterator[Figure]:
    """Fill the database and measure everything."""
    from eventinvoke.models import Delivery  # noqa: PLC0415

    began = time.perf_counter()
    keys = planning_seed.fill()
    analyze(vendor)
    pending = Delivery.objects.filter(state="pending").count()
    yield Figure("fill", time.perf_counter() - began, None, note=f"{pending} pending deliveries")
    yield from editing(keys)
    yield from crowding(keys, vendor)
    for name, took in result(start("remove")).items():
        yield Figure(f"delete a {name}", took, REMOVED_WITHIN)
    yield from replying(seconds, vendor)


def analyze(vendor: str) -> None:
    """Let the database know what its tables hold, as PostgreSQL's autovacuum would in time."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if vendor == "postgresql" else "ANALYZE")
    connection.close()


def main() -> None:
    """Run the whole and print the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sqlite", action="store_true", help="On SQLite rather than PostgreSQL.")
    parser.add_argument("--seconds", type=float, default=30.0, help="How long to reply, three times.")
    options = parser.parse_args()
    vendor = "sqlite" if options.sqlite else "postgresql"
    print(f"{'':<36}{'measured':>12}{'target':>9}  verdict")
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="pfsn-") as name, stack(Path(name), is_sqlite=options.sqlite):
        for figure in measure(options.seconds, vendor):
            figures.append(figure)
            show(figure)
    held = all(figure.is_held for figure in figures)
    load = [round(one, 1) for one in os.getloadavg()]
    print(f"\nload average {load} on {os.cpu_count()} cores\n")
    print(
        json.dumps(
            {
                "name": "planning", "database": vendor, "held": held, "load": load,
                "figures": [asdict(figure) for figure in figures],
            }
        )
    )  # fmt: skip
    sys.exit(0 if held else 1)


def show(figure: Figure) -> None:
    """Print one line of the table."""
    target = "" if figure.target is None else f"{figure.target:g}"
    verdict = "" if figure.target is None else "held" if figure.is_held else "MISSED"
    print(
        f"{figure.name:<36}{figure.value:>9.3f} {figure.unit:<5}{target:>6}  {verdict:<7} {figure.note}",
        flush=True,
    )


if __name__ == "__main__":
    main()
