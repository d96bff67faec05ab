"""How fast a large calendar is read, matched and planned, and how little is done when little changed.

5,000 entries, a fifth of them recurring weekly with exceptions, over a year, served over HTTP; 1,000
standing registrations of 100 members; a durable PostgreSQL. In the same run recurring-ical-events
only expands the same file, in a process of its own: the target is the ratio of the first sync to that,
as it does not depend on the machine.

During a first sync another connection writes to an event of its own, as an acknowledgement does, and to
events of the calendar; once on PostgreSQL and once on SQLite. The target is its 99th percentile.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import django

from benchmarks.calendar_feed import MEMBERS, Feed, Server, patterns, serve
from tests.servers import PostgreSQL

DAYS: Final = 365
SETTLE_SECONDS: Final = 20.0
RATIO, MEMORY_MB, UNCHANGED, MATCHING = 1.5, 500.0, 0.05, 1.0
ANSWERS: Final = {"postgresql": 0.25, "sqlite": 1.0}
"""Seconds of the 99th percentile."""


@contextmanager
def stack(folder: Path) -> Iterator[Server]:
    """Run PostgreSQL and the feed's server, and set up Django in this process on them."""
    with PostgreSQL(is_durable=True) as database, serve() as server:
        os.environ |= {
            "PFS_NOTICE_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
            "DATABASE_URL": database.url,
            "NOTICE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "NOTICE_HORIZON_DAYS": str(DAYS),
        }
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - after the set-up

        call_command("migrate", verbosity=0)
        yield server


def seed(url: str) -> int:
    """Make a calendar for all members, with their targets and registrations; return its primary key."""
    from registration.models import Calendar, Member, Registration, Step, Target, User  # noqa: PLC0415

    now = datetime.now(UTC)
    calendar = Calendar.objects.create(name="Observatory", url=url)
    users = User.objects.bulk_create([User(username=f"user{n}") for n in range(MEMBERS)])
    members = Member.objects.bulk_create([Member(user=user, name=user.username) for user in users])
    targets = Target.objects.bulk_create(
        [
            Target(
                member=member,
                kind=kind,
                address=f"{kind}{n}",
                shown=kind,
                fingerprint=f"{n:064x}",
                verified_at=now,
            )
            for n, member in enumerate(members)
            for kind in ("inbox", "webpush")
        ]
    )
    plans = Registration.objects.bulk_create(
        [
            Registration(
                member=members[n % MEMBERS], kind="standing", name=f"{n}", pattern=pattern, planned_version=1,
                calendar=calendar if n % 2 else None,
            )
            for n, pattern in enumerate(patterns())
        ]
    )  # fmt: skip
    steps = []
    for n, plan in enumerate(plans):
        inbox, push = targets[2 * (n % MEMBERS) : 2 * (n % MEMBERS) + 2]
        steps.append(Step(registration=plan, target=push, offset=timedelta(minutes=-10)))
        if n // MEMBERS % 2:
            steps.append(Step(registration=plan, target=inbox, offset=timedelta(minutes=-30)))
    Step.objects.bulk_create(steps)
    return calendar.pk


def run(*arguments: str, module: str = "calendar_work", **environment: str) -> dict[str, Any]:
    """Run a part of the benchmark in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, text=True, env=os.environ | environment
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def sync(pk: int) -> dict[str, Any]:
    """Sync the calendar; return the measurements and the written rows by table."""
    before = rows_written()
    found = run("sync", str(pk))
    if found["outcome"] == "failed":
        raise SystemExit(f"the sync failed: {found['problem']}")
    written = {
        table: tuple(b - a for a, b in zip(before.get(table, (0, 0, 0)), counts, strict=True))
        for table, counts in rows_written().items()
    }
    return {**found, "written": {table: counts for table, counts in written.items() if any(counts)}}


def rows_written() -> dict[str, tuple[int, int, int]]:
    """Return how many rows of each table were inserted, updated and deleted so far.

    A server process reports its statistics when it ends at the latest, so this waits for that.
    """
    from django.db import connection  # noqa: PLC0415

    connection.close()
    others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + SETTLE_SECONDS
    with connection.cursor() as cursor:
        while True:
            cursor.execute(others)
            if cursor.fetchone() == (0,):
                break
            if time.monotonic() > deadline:
                raise SystemExit("another connection to the database is still open")
            time.sleep(0.02)
        cursor.execute("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables")
        return {
            table: (inserted, updated, deleted) for table, inserted, updated, deleted in cursor.fetchall()
        }


def stored() -> tuple[int, int, list[str]]:
    """Return how many events and deliveries there are, and the distinct titles."""
    from eventinvoke.models import Delivery, Event  # noqa: PLC0415

    titles = Event.objects.order_by("title").values_list("title", flat=True).distinct()
    return Event.objects.count(), Delivery.objects.count(), list(titles)


def analyze() -> None:
    """Update PostgreSQL's statistics, as autovacuum does after a while."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def told_titles() -> set[str]:
    """Return the titles of events with deliveries."""
    from eventinvoke.models import Delivery  # noqa: PLC0415

    return set(Delivery.objects.values_list("event__title", flat=True))


def move_one(feed: Feed, titles: set[str]) -> None:
    """Move one entry by an hour: a single one with deliveries."""
    entry = next(e for e in feed.entries if e.title in titles and "RRULE:FREQ=WEEKLY" not in e.lines)
    entry.starts_at += timedelta(hours=1)


def answers(server: Server, folder: Path) -> dict[str, Any]:
    """Measure how long answers wait during a first sync, on both databases."""
    from registration.models import Calendar  # noqa: PLC0415

    second = Calendar.objects.create(name="Second observatory", url=server.url)
    file = folder / "answers.sqlite3"
    return {
        "postgresql": run(str(second.pk), module="calendar_answers"),
        "sqlite": run(module="calendar_answers", DATABASE_URL=f"sqlite:///{file}", FEED_URL=server.url),
    }


def measure(server: Server, folder: Path) -> dict[str, Any]:
    """Measure everything, in order."""
    feed = Feed(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    server.content = feed.export()
    file = folder / "calendar.ics"
    file.write_bytes(server.content)
    pk = seed(server.url)
    analyze()
    bare = [run("expand", str(file), str(DAYS))]
    first = sync(pk)
    bare.append(run("expand", str(file), str(DAYS)))
    events, deliveries, titles = stored()
    analyze()
    not_modified = sync(pk)
    server.content = feed.export()
    exported_again = sync(pk)
    move_one(feed, told_titles())
    server.content = feed.export()
    one_moved = sync(pk)
    (folder / "match.json").write_text(json.dumps({"titles": titles, "patterns": patterns()}))
    return {
        "bare": bare,
        "first": first,
        "events": events,
        "deliveries": deliveries,
        "titles": len(titles),
        "not_modified": not_modified,
        "exported_again": exported_again,
        "one_moved": one_moved,
        "matching": run("match", str(folder / "match.json")),
        "answers": answers(server, folder),
    }


def main() -> None:
    """Run the benchmark and print the table and the line of JSON."""
    with TemporaryDirectory(prefix="pfsn-") as name, stack(Path(name)) as server:
        found = measure(server, Path(name))
    report(found)


def report(found: dict[str, Any]) -> None:
    """Print the measurements with their targets."""
    bare = sum(one["seconds"] for one in found["bare"]) / len(found["bare"])
    first = found["first"]["seconds"]
    matching = found["matching"]["set"] / found["matching"]["re"]
    print(f"\n{found['events']} events, {found['deliveries']} deliveries, {found['titles']} distinct titles")
    print(f"\n{'':<34}{'seconds':>9}{'ratio':>8}{'target':>8}{'peak MB':>9}{'statements':>12}")
    print(
        f"{'recurring-ical-events expands':<34}{bare:>9.2f}{1:>8.2f}{'':>8}{found['bare'][0]['peak_mb']:>9.0f}"
    )
    rows = [
        ("first sync, of that", "first", first / bare, RATIO),
        ("not modified, of the first", "not_modified", found["not_modified"]["seconds"] / first, UNCHANGED),
        (
            "exported again, of the first",
            "exported_again",
            found["exported_again"]["seconds"] / first,
            UNCHANGED,
        ),
        ("one entry moved, of the first", "one_moved", found["one_moved"]["seconds"] / first, None),
    ]
    for label, key, ratio, target in rows:
        one = found[key]
        shown = "" if target is None else f"{target:.2f}"
        print(
            f"{label:<34}{one['seconds']:>9.2f}{ratio:>8.3f}{shown:>8}{one['peak_mb']:>9.0f}{one['statements']:>12}"
        )
    by_set, by_re = found["matching"]["set"], found["matching"]["re"]
    spent = found["first"]["processor"] + found["first"]["database_processor"]
    bare_spent = sum(one["processor"] for one in found["bare"]) / len(found["bare"])
    shown = f"{found['first']['processor']:.2f} + {found['first']['database_processor']:.2f} of the database"
    print(f"processor seconds: {bare_spent:.2f}; first sync {shown}, ratio {spent / bare_spent:.3f}")
    print(f"{'1,000 patterns, re one by one':<34}{by_re:>9.2f}{1:>8.2f}")
    print(f"{'1,000 patterns, as a set':<34}{by_set:>9.2f}{matching:>8.2f}{MATCHING:>8.2f}")
    for database, one in found["answers"].items():
        print(
            f"answers during a first sync of {one['seconds']:.0f} s on {database}: p50 {one['p50']:.3f} s, "
            f"p99 {one['p99']:.3f} s (target {ANSWERS[database]}), max {one['max']:.3f} s, "
            f"{len(one['errors'])} errors of {one['answers']}"
        )
    print("\nwritten when one entry moved (inserted, updated, deleted):")
    for table, counts in sorted(found["one_moved"]["written"].items()):
        print(f"  {table:<32}{counts}")
    held = {
        "ratio": first / bare <= RATIO,
        "memory": found["first"]["peak_mb"] < MEMORY_MB,
        "not_modified": rows[1][2] < UNCHANGED,
        "exported_again": rows[2][2] < UNCHANGED,
        "one_moved": is_little(found["one_moved"]["written"]),
        "matching": matching <= MATCHING,
        "answers": all(
            one["p99"] <= ANSWERS[database] and not one["errors"]
            for database, one in found["answers"].items()
        ),
    }
    figures = {"ratio": round(first / bare, 3), "target": RATIO, "held": all(held.values()), "holds": held}
    figures["processor_ratio"] = round(spent / bare_spent, 3)
    print()
    print(json.dumps({"name": "calendars", **figures, **found}))


def is_little(written: dict[str, Any]) -> bool:
    """Say whether one moved entry wrote its own rows and no others: itself, its event with its mark, a change, its notices."""
    expected = {
        "eventupdate_entry": (0, 1, 0),
        "eventinvoke_event": (0, 1, 0),
        "eventinvoke_eventchange": (1, 0, 0),
        "eventinvoke_unplanned": (1, 0, 1),
    }
    own = {table: tuple(counts) for table, counts in written.items() if table in expected}
    others = set(written) - set(expected) - {"registration_calendar", "eventinvoke_delivery"}
    moved_only = [0, *written.get("eventinvoke_delivery", (0, 0, 0))[::2]]
    return own == expected and not others and not any(moved_only)


if __name__ == "__main__":
    main()
