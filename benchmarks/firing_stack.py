"""What the firing benchmark runs on: a durable PostgreSQL, Redis, two worker processes, and due deliveries."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django

from benchmarks.sink import Sink, run_sink
from tests.servers import PostgreSQL, Redis
from tests.servers.base import die_with_parent

PROCESSES = 2
A_MEMBER_HAS = 2


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
            "NOTICE_COUNTRIES": "ALL",
            "NOTICE_DAILY": "sms=1000000",
            "NOTICE_DAILY_MEMBER": "sms=1000000",
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
    options = ["-P", "prefork", "-c", str(PROCESSES), "-Q", "fire,urgent,slow,calendars"]
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
        starts_at=far + timedelta(minutes=10), deadline_at=far + timedelta(hours=1),
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
        "keys": {"p256dh": encode(new_point()), "auth": encode(os.urandom(16))}
    }


def new_point() -> bytes:
    """Return the public key of a new browser, an uncompressed point on P-256."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


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
