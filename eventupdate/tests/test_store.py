"""What a sync reads and writes: no more than what changed."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.models import Entry
from eventupdate.sync import Outcome, SyncReport, sync
from eventupdate.tests.conftest import dump
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.texts import AT, NEW_YORK_ZONE, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar

pytestmark = pytest.mark.django_db

WEEKLY = ("DTSTART:20261123T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
NEXT = AT + timedelta(minutes=5)


def run(calendar: Calendar, at: datetime = AT) -> SyncReport:
    report = sync(calendar, at=at)
    calendar.refresh_from_db()
    return report


def counts(report: SyncReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


def many(*, stamp: str = "", moved: int = -1) -> str:
    """Return a calendar of 40 single entries and 10 weekly ones."""
    parts = []
    for n in range(40):
        start = f"2026112{4 + n % 4}T{n % 20 + (n == moved):02}0000Z"
        parts.append(entry(f"DTSTART:{start}", f"DTSTAMP:{stamp}", uid=f"single{n}"))
    parts += [entry(*WEEKLY, f"DTSTAMP:{stamp}", uid=f"weekly{n}") for n in range(10)]
    return feed(*parts)


def statements(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]


def writes(queries: CaptureQueriesContext) -> dict[str, int]:
    """Return how many statements wrote to which table."""
    found: dict[str, int] = {}
    for sql in statements(queries):
        words = sql.replace('"', "").replace("`", "").split()
        if words[0] in {"INSERT", "UPDATE", "DELETE", "COPY"}:
            table = words[1] if words[0] in {"UPDATE", "COPY"} else words[2]
            found[table] = found.get(table, 0) + 1
    return found


def test_a_feed_with_new_stamps_alone_takes_six_queries_and_touches_no_event(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(many(stamp="20261120T120000Z"))
    run(calendar)
    before = dump(), list(Entry.objects.order_by("pk").values())
    server.serve(many(stamp="20261120T120500Z"))
    with CaptureQueriesContext(connection) as queries:
        report = sync(calendar, at=NEXT)
    assert (report.outcome, report.unchanged) == (Outcome.SYNCED, 50)
    # Claim it, read it, its entries without their texts, whether it has events, lock it, give it free.
    assert len(statements(queries)) == 6
    assert set(writes(queries)) == {"registration_calendar"}
    assert (dump(), list(Entry.objects.order_by("pk").values())) == before


def test_an_entry_that_moved_writes_its_own_rows_and_no_others(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(many())
    run(calendar)
    events = {event["external_id"]: event for event in Event.objects.values()}
    entries = {row["key"]: row for row in Entry.objects.values()}
    deliveries = {row["id"]: row for row in Delivery.objects.values()}
    server.serve(many(moved=7))
    with CaptureQueriesContext(connection) as queries:
        report = sync(calendar, at=NEXT)
    assert counts(report) == (0, 1, 0)
    assert report.unchanged == 49
    changed = {
        event["external_id"] for event in Event.objects.values() if event != events[event["external_id"]]
    }
    assert changed == {"single7#"}
    assert [row["key"] for row in Entry.objects.values() if row != entries[row["key"]]] == ["single7"]
    moved = [row for row in Delivery.objects.values() if row != deliveries.get(row["id"])]
    assert [row["event_id"] for row in moved] == [events["single7#"]["id"]]
    assert len(statements(queries)) < 40
    written = writes(queries)
    assert written.pop("registration_calendar") == 3  # the lease, the mark, the end
    assert max(written.values()) <= 2


def test_a_horizon_that_rolls_fetches_nothing_and_looks_only_at_what_it_may_reach(
    calendar: Calendar, server: FeedServer, clock: time_machine.Traveller
) -> None:
    server.serve(
        feed(entry(*WEEKLY, uid="weekly"), single("20270121T090000Z", uid="far"), single(uid="near"))
    )
    run(calendar)
    assert Entry.objects.count() == 3
    assert not Event.objects.filter(external_id="far#").exists()
    near = Event.objects.get(external_id="near#")
    tomorrow = AT + timedelta(days=1)
    clock.move_to(tomorrow)
    with CaptureQueriesContext(connection) as queries:
        report = run(calendar, tomorrow)
    assert "if-none-match" in server.requests[-1]  # and the answer was 304
    assert (report.outcome, counts(report)) == (Outcome.UNCHANGED, (0, 0, 0))
    assert writes(queries) == {"registration_calendar": 2}
    for days in range(2, 5):
        clock.move_to(AT + timedelta(days=days))
        run(calendar, AT + timedelta(days=days))
    assert Event.objects.get(external_id="far#").starts_at == datetime(2027, 1, 21, 9, tzinfo=UTC)
    assert Event.objects.get(pk=near.pk).updated_at == near.updated_at
    assert Event.objects.filter(external_id__startswith="weekly#").count() == 9


def test_a_horizon_that_was_made_shorter_still_follows_what_lies_beyond_it(
    calendar: Calendar, server: FeedServer, settings: Any
) -> None:
    server.serve(feed(single("20270110T090000Z")))
    run(calendar)
    settings.NOTICE_HORIZON_DAYS = 10
    server.serve(feed(single("20270110T150000Z")))
    assert counts(run(calendar)) == (0, 1, 0)
    server.serve(feed())
    assert counts(run(calendar)) == (0, 0, 1)


def test_a_longer_horizon_needs_no_fetch(calendar: Calendar, server: FeedServer, settings: Any) -> None:
    settings.NOTICE_HORIZON_DAYS = 10
    server.serve(feed(entry(*WEEKLY)))
    assert run(calendar).added == 2
    settings.NOTICE_HORIZON_DAYS = 31
    assert run(calendar, NEXT).added == 3


def test_the_calendars_own_zone_moves_what_depends_on_it_without_a_fetch(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(entry("DTSTART:20261124T090000"), single(uid="fixed")))
    run(calendar)
    Calendar.objects.update(default_time_zone="Asia/Tokyo")
    assert counts(run(calendar, NEXT)) == (0, 1, 0)
    assert "if-none-match" in server.requests[-1]
    assert Event.objects.get(external_id="one@test#").starts_at == datetime(2026, 11, 24, 0, tzinfo=UTC)


def test_an_entry_is_stored_with_the_rules_of_its_zone_and_nothing_that_is_not_needed(
    calendar: Calendar, server: FeedServer
) -> None:
    alarm = "BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM"
    server.serve(
        feed(NEW_YORK_ZONE, entry("DTSTART;TZID=Our office:20261124T090000", alarm), single(uid="two"))
    )
    run(calendar)
    texts = {row.key: zlib.decompress(row.text).decode() for row in Entry.objects.all()}
    assert "TZID:Our office" in texts["one@test"]
    assert "VALARM" not in texts["one@test"]
    assert "VTIMEZONE" not in texts["two"]
    rows = dict(Entry.objects.values_list("key", "starts_at"))
    assert rows["one@test"] == datetime(2026, 11, 24, 14, tzinfo=UTC)


def test_a_calendar_that_was_read_before_entries_were_kept_is_not_told_twice(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(entry(*WEEKLY), single(uid="two"), single("20261126T090000Z", uid="gone")))
    run(calendar)
    Delivery.objects.update(state=State.SENT)
    Entry.objects.all().delete()
    Event.objects.update(series="")
    Calendar.objects.update(expanded_until=None)
    server.serve(feed(entry(*WEEKLY), single(uid="two")))
    report = run(calendar)
    assert (report.added, report.removed) == (0, 1)
    assert not Delivery.objects.filter(state=State.PENDING).exists()
    assert not Event.objects.filter(series="", canceled_at__isnull=True).exists()


Queries = Callable[..., Any]


def test_the_queries_of_a_first_sync_do_not_grow_with_its_entries(
    calendar: Calendar, server: FeedServer, django_assert_max_num_queries: Queries
) -> None:
    server.serve(many())
    with django_assert_max_num_queries(40):
        assert sync(calendar, at=AT).added == 40 + 10 * 9
