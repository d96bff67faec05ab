"""One piece of what ``benchmarks.calendars`` measures, in a process of its own; prints a line of JSON.

``expand FILE DAYS`` | ``sync CALENDAR`` | ``match FILE`` (titles and patterns as JSON).
"""

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django


def expand(path: str, days: str) -> dict[str, Any]:
    """Parse a file and expand it with recurring-ical-events over the window of a sync."""
    import recurring_ical_events  # noqa: PLC0415 - what the other pieces need not have in memory
    from icalendar import Calendar  # noqa: PLC0415

    django.setup()
    from eventupdate.expand import window_at  # noqa: PLC0415

    window = window_at(datetime.now(UTC), int(days))
    content = Path(path).read_bytes()
    spent, began = time.process_time(), time.perf_counter()
    found = recurring_ical_events.of(Calendar.from_ical(content)).between(window.start, window.stop)
    count = len(list(found))
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    return {"seconds": seconds, "processor": spent, "count": count}


def sync(pk: str) -> dict[str, Any]:
    """Sync a calendar, and count the statements that the database is given, by their first word."""
    django.setup()
    from django.db import connection  # noqa: PLC0415

    from eventupdate.sync import sync as sync_calendar  # noqa: PLC0415
    from registration.models import Calendar  # noqa: PLC0415

    calendar = Calendar.objects.get(pk=pk)
    statements: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        statements[sql.split(None, 1)[0]] += 1
        return execute(sql, parameters, many, context)

    before, began = processor(), time.perf_counter()
    with connection.execute_wrapper(count):
        report = sync_calendar(calendar, at=datetime.now(UTC))
    seconds, after = time.perf_counter() - began, processor()
    return {
        "seconds": seconds,
        "processor": after[0] - before[0],
        "database_processor": after[1] - before[1],
        "outcome": str(report.outcome),
        "problem": report.problem,
        "statements": sum(statements.values()),
        "by_kind": dict(statements),
    }


def processor() -> tuple[float, float]:
    """Return the processor time that this process has taken, and its database server's process."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    # User and system time are the 14th and 15th field; the second is a name in brackets (proc(5)).
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time(), sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def match(path: str) -> dict[str, Any]:
    """Search titles for patterns, by one set and one by one with ``re``; both compile them first."""
    django.setup()
    from common.patterns import PatternSet  # noqa: PLC0415

    given = json.loads(Path(path).read_text())
    titles, patterns = given["titles"], given["patterns"]
    began = time.perf_counter()
    found = PatternSet(patterns).matches_of(titles)
    by_set = time.perf_counter() - began
    began = time.perf_counter()
    compiled = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    expected = {title: [i for i, one in enumerate(compiled) if one.search(title)] for title in titles}
    one_by_one = time.perf_counter() - began
    if found != expected:
        raise SystemExit("the set finds other patterns than re does")
    return {"set": by_set, "re": one_by_one, "matches": sum(map(len, found.values()))}


def peak_memory() -> float:
    """Return the largest resident memory that this process had, in MB."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    pieces: dict[str, Callable[..., dict[str, Any]]] = {"expand": expand, "sync": sync, "match": match}
    result = pieces[name](*arguments)
    print(json.dumps({**result, "peak_mb": round(peak_memory(), 1)}))
