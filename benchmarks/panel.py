"""What each page of the panel costs one member with 1,000, 100,000 and 1,000,000 deliveries, half of them over.

On PostgreSQL, or with ``--sqlite`` on SQLite. A page is asked for in this process, without a web server; counted are
the median of its times in ms, its size in KB and its queries. Targets: 100 ms and 60 KB at 100,000 deliveries, and
at 1,000,000 as many queries as at 1,000. Exits with 1 if one is missed.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from benchmarks import panel_seed
from benchmarks.planning import analyze, stack

SIZES: Final = (1_000, 100_000, 1_000_000)
JUDGED_AT: Final = 100_000
MOST_MS: Final = 100.0
MOST_KB: Final = 60.0
_TIMES: Final = 7


class Cost(NamedTuple):
    """What one page costs."""

    ms: float
    kb: float
    queries: int


def pages(calendar: Any) -> Mapping[str, str]:
    """Return the pages that are measured, by name."""
    from eventinvoke.models import Delivery  # noqa: PLC0415

    one = Delivery.objects.order_by("pk").first()
    assert one is not None  # noqa: S101 - it was filled
    return {
        "upcoming": "/upcoming/",
        "upcoming, search": "/upcoming/?q=red",
        "upcoming, channel": "/upcoming/?kind=voice",
        "upcoming, all members": "/upcoming/?all=1",
        "history": "/history/",
        "history, channel": "/history/?kind=voice",
        "history, all members": "/history/?all=1",
        "inbox": "/inbox/",
        "inbox, poll": "/inbox/news",
        "changes": "/changes/",
        "delivery": f"/deliveries/{one.pk}/",
        "event": f"/events/{one.event_id}/",
        "calendars": "/calendars/",
        "calendar": f"/calendars/{calendar.pk}/",
        "registrations": "/registrations/",
        "registration, new": "/registrations/add/?kind=standing",
        "registration, edit": f"/registrations/{one.registration_id}/",
        "contact methods": "/targets/",
        "profile": "/profile/",
    }


def cost(client: Any, path: str) -> Cost:
    """Ask for a page several times."""
    from django.db import connection  # noqa: PLC0415

    queries: list[str] = []

    def count(execute: Any, sql: str, *others: Any) -> Any:
        queries.append(sql)
        return execute(sql, *others)

    with connection.execute_wrapper(count):
        answer = client.get(path)
    if answer.status_code != 200:  # noqa: PLR2004
        raise SystemExit(f"{path}: {answer.status_code}")
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        client.get(path)
        times.append((time.perf_counter() - began) * 1000)
    return Cost(round(statistics.median(times), 1), round(len(answer.content) / 1000, 1), len(queries))


def measure(vendor: str) -> Iterator[tuple[int, str, Cost]]:
    """Fill the database step by step, and yield what each page costs at each size."""
    from django.test import Client  # noqa: PLC0415

    member, calendar = panel_seed.member()
    client = Client()
    client.force_login(member.user)
    for size in SIZES:
        panel_seed.grow(calendar, size)
        analyze(vendor)
        for name, path in pages(calendar).items():
            yield size, name, cost(client, path)


def missed(costs: Mapping[str, Mapping[int, Cost]]) -> list[str]:
    """Return the pages that miss a target, and which."""
    found = []
    for name, by_size in costs.items():
        judged, first, last = by_size[JUDGED_AT], by_size[SIZES[0]], by_size[SIZES[-1]]
        if judged.ms > MOST_MS or judged.kb > MOST_KB:
            found.append(f"{name}: {judged.ms} ms, {judged.kb} KB")
        if last.queries > first.queries:
            found.append(f"{name}: {first.queries} queries become {last.queries}")
    return found


def main() -> None:
    """Measure, print a table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sqlite", action="store_true", help="On SQLite rather than PostgreSQL.")
    vendor = "sqlite" if parser.parse_args().sqlite else "postgresql"
    costs: dict[str, dict[int, Cost]] = {}
    with TemporaryDirectory(prefix="pfsn-") as folder, stack(Path(folder), is_sqlite=vendor == "sqlite"):
        from django.conf import settings  # noqa: PLC0415
        from django.core.management import call_command  # noqa: PLC0415

        settings.ALLOWED_HOSTS = ["testserver"]
        call_command("collectstatic", interactive=False, verbosity=0)
        for size, name, one in measure(vendor):
            costs.setdefault(name, {})[size] = one
            print(
                f"{size:>9} {name:<24}{one.ms:>9.1f} ms{one.kb:>8.1f} KB{one.queries:>4} queries", flush=True
            )
    wrong = missed(costs)
    load = [round(one, 1) for one in os.getloadavg()]
    print("\n".join(["", *(f"MISSED {one}" for one in wrong), f"load average {load}", ""]))
    print(json.dumps({"name": "panel", "database": vendor, "held": not wrong, "load": load, "costs": costs}))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
