"""How fast due notices are fired, and how late a single one is.

Web pushes to distinct subscriptions and, as a second figure, plain HTTP (SMS), each due at one
instant, on a durable PostgreSQL with two Celery worker processes, against a TLS server on
loopback that answers at next to no cost. In the same run the same number of processes encrypts as
many messages and does nothing else: the ratio of the two rates is what counts, since it does not
depend on the machine.

The time runs from the instant at which all are due until the last one is recorded. Pushes that were
planned half a minute before are encrypted by then ("planned"); those that were
planned only a second before are not ("sudden"). Both are printed; the target is held against the planned ones, as
a notice of a calendar is planned days before.

Everything (database, broker, sink, workers) shares the machine's cores.
"""

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from benchmarks.sink import Sink, run_sink
from tests.servers import PostgreSQL, Redis
from tests.servers.base import die_with_parent

PROCESSES = 2
SMALL, LARGE = 10_000, 100_000
RATIO, PLAIN_FACTOR = 0.45, 3.0
LATE_SECONDS = 1.0
SINGLES = 100
A_MEMBER_HAS = 2
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


@contextmanager
def stack(folder: Path) -> Iterator[Sink]:
    """Run PostgreSQL, Redis and the sink, and set up Django in this process on them."""
    with PostgreSQL(is_durable=True) as database, Redis() as broker, run_sink() as sink:
        os.environ |= {
            "PFS_NOTICE_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
            "DATABASE_URL": database.url,
            "CELERY_BROKER_URL": broker.url,
            "NOTICE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "NOTICE_EXTRA_CA_FILE": str(sink.ca_file),
            "NOTICE_PARALLEL": str(PROCESSES),
            "TWILIO_API_URL": sink.url,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKENS": "token",
            "TWILIO_FROM_NUMBER": "+15005550006",
        }
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - after the set-up

        call_command("migrate", verbosity=0)
        yield sink


def celery(*argv: str) -> "subprocess.Popen[bytes]":
    """Start a Celery process on the stack."""
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "pfs_notice", *argv, "--loglevel", "warning"],
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
    )


@contextmanager
def workers() -> Iterator["subprocess.Popen[bytes]"]:
    """Run one Celery worker with two processes, and the beat."""
    options = ["-P", "prefork", "-c", str(PROCESSES), "-Q", "fire,urgent,slow"]
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = celery("worker", *options)
    beat = celery("beat", "--schedule", str(Path(os.environ["PFS_NOTICE_VAR"]) / "beat"))
    try:
        yield worker
    finally:
        for process in (beat, worker):
            process.terminate()
        for process in (beat, worker):
            process.wait(30)


def peak_memory(worker: "subprocess.Popen[bytes]") -> float:
    """Return the largest peak of resident memory of the worker's processes, in MB."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    status = [Path(f"/proc/{pid}/status").read_text().splitlines() for pid in children]
    peaks = [int(line.split()[1]) for lines in status for line in lines if line.startswith("VmHWM")]
    return max(peaks, default=0) / 1024


def seed(kind: str, count: int, sink: Sink, due_at: datetime | None = None) -> None:
    """Make ``count`` deliveries of one event, each to a target of its own."""
    from eventinvoke.models import Delivery, Event  # noqa: PLC0415
    from registration.models import Member, Registration, Target, User  # noqa: PLC0415

    far = due_at or datetime.now(UTC) + timedelta(days=1)
    event = Event.objects.create(
        source="system", external_id=f"{kind}-{time.time_ns()}", title="PFS telecon", location="Room 201",
        starts_at=far + timedelta(minutes=10), deadline_at=far + timedelta(hours=1), planned_version=1,
    )  # fmt: skip
    name = f"{kind}{time.time_ns()}"
    users = User.objects.bulk_create(
        [User(username=f"{name}-{n}") for n in range(count // A_MEMBER_HAS or 1)], batch_size=5000
    )
    members = Member.objects.bulk_create(
        [Member(user=user, name=user.username) for user in users], batch_size=5000
    )
    plans = Registration.objects.bulk_create(
        [
            Registration(member=m, kind="standing", name="x", pattern="telecon", planned_version=1)
            for m in members
        ],
        batch_size=5000,
    )
    addresses = [_address(kind, n, sink) for n in range(count)]
    targets = Target.objects.bulk_create(
        [
            Target(
                member=members[n % len(members)], kind=kind, address=address, config=config, shown=str(n),
                fingerprint=f"{n:064x}", verified_at=datetime.now(UTC),
            )
            for n, (address, config) in enumerate(addresses)
        ],
        batch_size=5000,
    )  # fmt: skip
    Delivery.objects.bulk_create(
        [
            Delivery(
                event=event, member_id=target.member_id, target=target, registration=plans[n % len(plans)],
                kind=kind, severity=10, starts_at=event.starts_at, due_at=far, next_attempt_at=far,
                deadline_at=event.deadline_at,
            )
            for n, target in enumerate(targets)
        ],
        batch_size=5000,
    )  # fmt: skip


def _address(kind: str, number: int, sink: Sink) -> tuple[str, dict[str, object]]:
    from eventinvoke.channels.webpush.encryption import encode  # noqa: PLC0415

    if kind != "webpush":
        return f"+1202555{number % 10000:04d}", {}
    return f"{sink.url}/push/{number:032x}", {
        "keys": {"p256dh": encode(_new_point()), "auth": encode(os.urandom(16))}
    }


def _new_point() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


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


def clear() -> None:
    """Empty the tables."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE registration_user, eventinvoke_event RESTART IDENTITY CASCADE")


def analyze() -> None:
    """Let PostgreSQL know what its tables hold, as its autovacuum would in time."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _encrypt_many(count: int) -> float:
    from eventinvoke.channels.webpush.encryption import encode, encrypt  # noqa: PLC0415

    payload = b"x" * 330
    keys = [(encode(_new_point()), encode(os.urandom(16))) for _ in range(100)]
    began = time.perf_counter()
    for number in range(count):
        encrypt(payload, *keys[number % 100])
    return time.perf_counter() - began


def bare_rate(count: int) -> float:
    """Return how many messages a second the same number of processes encrypts, doing nothing else."""
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
    options = parser.parse_args()
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
    push, sudden, plain, *large = bursts
    held = {
        "ratio": push.rate / bare >= RATIO,
        "plain_factor": plain.rate / push.rate >= PLAIN_FACTOR,
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
                "target": RATIO,
                "held": all(held.values()),
                "holds": held,
                "bare_per_s": round(bare),
                "sudden_ratio": round(sudden.rate / bare, 3),
                "plain_factor": round(plain.rate / push.rate, 2),
                "plain_factor_of_sudden": round(plain.rate / sudden.rate, 2),
                "single_p99_s": single,
                "bursts": [asdict(one) for one in bursts],
            }
        )
    )


if __name__ == "__main__":
    main()
