"""What the benchmark of callbacks runs on: PostgreSQL, calls under way, granian, and signed requests of Twilio."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import django

from tests.servers import PostgreSQL, free_port
from tests.servers.base import die_with_parent

PROCESSES: Final = 2
CALLS: Final = 5000
STATUSES: Final = ("initiated", "ringing", "in-progress", "completed")
_PUBLIC: Final = "https://notice.example.org"
_ACCOUNT: Final = "AC" + "1" * 32
_TOKEN: Final = "token" * 6
_START_SECONDS: Final = 30.0


@contextmanager
def stack(folder: Path) -> Iterator[None]:
    """Run PostgreSQL and set up Django in this process on it."""
    with PostgreSQL(is_durable=True) as database:
        os.environ |= {
            "PFS_NOTICE_VAR": str(folder),
            "PFS_NOTICE_ENV": "embedded",
            "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
            "DATABASE_URL": database.url,
            "NOTICE_PUBLIC_URL": _PUBLIC,
            "TWILIO_ACCOUNT_SID": _ACCOUNT,
            "TWILIO_AUTH_TOKENS": _TOKEN,
            "TWILIO_FROM_NUMBER": "+15005550006",
            "STATIC_HASHED": "no",
        }
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - after the set-up

        call_command("migrate", verbosity=0)
        yield


@contextmanager
def web(settings: str) -> Iterator[int]:
    """Run the web server as everywhere, on settings by their module's name; yield its port."""
    from pfs_notice.supervisor.stack import WEB_OPTIONS  # noqa: PLC0415 - after the set-up

    port = free_port()
    argv = ["-m", "granian", "--host", "127.0.0.1", "--port", str(port), "--workers", str(PROCESSES)]
    server = subprocess.Popen(
        [sys.executable, *argv, *WEB_OPTIONS, "--log-level", "warning", "pfs_notice.edge:application"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": settings},
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
    )
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with suppress(OSError, http.client.HTTPException):
            client.request("GET", "/", headers={"Host": "localhost"})
            client.getresponse()
            return
        time.sleep(0.05)
    raise SystemExit("the web server did not answer")


def seed() -> None:
    """Make calls under way: each to a member of its own, about one of a thousand entries of calendars."""
    from eventinvoke.models import Attempt, Delivery, Event  # noqa: PLC0415
    from registration.models import Member, Registration, Step, Target, User  # noqa: PLC0415

    instant = datetime.now(UTC)
    events = Event.objects.bulk_create(
        Event(
            source=f"calendar:{n % 20 + 1}", external_id=f"entry-{n}", series=f"{n:032x}",
            title=f"PFS telecon {n}", location="Room 201", description="Agenda: status, plans. " * 10,
            starts_at=instant + timedelta(minutes=10, seconds=n), deadline_at=instant + timedelta(hours=2),
        )
        for n in range(1000)
    )  # fmt: skip
    users = User.objects.bulk_create([User(username=f"user-{n}") for n in range(CALLS)])
    members = Member.objects.bulk_create([Member(user=user, name=user.username) for user in users])
    plans = Registration.objects.bulk_create(
        Registration(member=one, kind="standing", name="x", pattern="telecon", planned_version=1)
        for one in members
    )
    targets = Target.objects.bulk_create(
        Target(
            member=one, kind="voice", address=f"+1202555{n:04d}", shown=str(n), fingerprint=f"{n:064x}",
            verified_at=instant,
        )
        for n, one in enumerate(members)
    )  # fmt: skip
    steps = Step.objects.bulk_create(
        Step(registration=plan, target=target, offset=timedelta(minutes=-10))
        for plan, target in zip(plans, targets, strict=True)
    )
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            event=events[n % 1000], member=members[n], target=targets[n], registration=plans[n], step=steps[n],
            recipient=members[n].name, kind="voice", severity=10, starts_at=events[n % 1000].starts_at,
            due_at=instant, next_attempt_at=instant, deadline_at=events[n % 1000].deadline_at,
            attempts=1, state="sent", sent_at=instant, lease_until=instant + timedelta(hours=1),
        )
        for n in range(CALLS)
    )  # fmt: skip
    Attempt.objects.bulk_create(
        Attempt(
            delivery=one, number=1, starts_at=one.starts_at, ended_at=instant, outcome="accepted",
            provider_id=f"CA{n:032x}",
        )
        for n, one in enumerate(deliveries)
    )  # fmt: skip


def forget_reports() -> None:
    """Bring the tables back to where no call was reported about."""
    from django.db import connection  # noqa: PLC0415

    from eventinvoke.models import Delivery  # noqa: PLC0415

    lease = datetime.now(UTC) + timedelta(hours=1)
    Delivery.objects.exclude(state="sent").update(
        state="sent", reason="", settled_at=None, delivered_at=None, lease_until=lease
    )
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE eventinvoke_receipt")
        cursor.execute("VACUUM ANALYZE")


def write_requests(folder: Path) -> dict[str, tuple[Path, int]]:
    """Write signed requests, each a line as ``callbacks.lua`` reads it; return each file and how many it has."""
    from eventinvoke.models import Attempt  # noqa: PLC0415

    calls = list(Attempt.objects.values_list("pk", "provider_id").order_by("pk"))
    content = [_line(pk, sid, "call", {"CallStatus": "in-progress"}) for pk, sid in calls]
    status = [
        _line(pk, sid, "call-status", {"CallStatus": word, "SequenceNumber": str(number)} | _PROGRESS)
        for number, word in enumerate(STATUSES)
        for pk, sid in calls
    ]
    found = {}
    for name, lines in (("content", content), ("status", status)):
        file = folder / name
        file.write_text("".join(lines))
        found[name] = file, len(lines)
    return found


_PROGRESS: Final = {
    "CallbackSource": "call-progress-events",
    "Timestamp": "Fri, 20 Nov 2026 09:00:00 +0000",
}
_PLACES: Final = {
    f"{who}{what}": value
    for who in ("Called", "Caller", "To", "From")
    for what, value in (("Country", "US"), ("State", "DC"), ("City", "WASHINGTON"), ("Zip", "20001"))
}


def _line(pk: object, sid: str, page: str, told: dict[str, str]) -> str:
    from twilio.request_validator import RequestValidator  # noqa: PLC0415

    from common.process_ids import sign  # noqa: PLC0415

    path = f"/n/{sign(pk)}/{page}"  # type: ignore[arg-type]
    numbers = {
        "From": "+15005550006",
        "Caller": "+15005550006",
        "To": "+12025550100",
        "Called": "+12025550100",
    }
    told = {
        **told, **_PLACES, **numbers, "CallSid": sid, "AccountSid": _ACCOUNT, "ApiVersion": "2010-04-01",
        "Direction": "outbound-api",
    }  # fmt: skip
    signature = RequestValidator(_TOKEN).compute_signature(f"{_PUBLIC}{path}", told)
    return f"{path}\t{signature}\t{urlencode(told)}\n"
