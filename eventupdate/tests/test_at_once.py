"""Two at once: real threads, each with its own connection to the database."""

import threading
from typing import Any

import pytest
from django.db import connection

from eventinvoke.models import Event
from eventupdate.lease import LEASE
from eventupdate.models import Entry
from eventupdate.sync import Outcome, SyncReport, sync
from eventupdate.tests.feed_server import FeedServer, Handler
from eventupdate.tests.texts import AT, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import CalendarFactory


class Syncing(threading.Thread):
    """Syncs a calendar in a thread of its own."""

    def __init__(self, calendar: Calendar) -> None:
        super().__init__()
        self.calendar = calendar
        self.report: SyncReport | None = None

    def run(self) -> None:
        try:
            self.report = sync(self.calendar, at=AT)
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_of_two_syncs_at_once_one_reads_and_one_leaves_it(server: FeedServer) -> None:
    has_come, may_go = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        has_come.set()
        may_go.wait(20)
        handler.give(200, feed(single()).encode())

    server.answer = answer
    calendar: Calendar = CalendarFactory(url=server.url)
    first = Syncing(calendar)
    first.start()
    assert has_come.wait(20)
    assert sync(calendar, at=AT).outcome is Outcome.BUSY
    may_go.set()
    first.join(20)
    assert first.report is not None
    assert (first.report.outcome, first.report.added) == (Outcome.SYNCED, 1)
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_a_feed_is_fetched_outside_of_any_transaction(server: FeedServer, settings: Any) -> None:
    """Another connection may write to the calendar's row, and to any other, meanwhile."""
    calendar: Calendar = CalendarFactory(url=server.url)

    def answer(handler: Handler) -> None:
        Calendar.objects.filter(pk=calendar.pk).update(name="Renamed meanwhile")
        connection.close()
        handler.give(200, feed(single()).encode())

    server.answer = answer
    assert sync(calendar, at=AT).outcome is Outcome.SYNCED
    calendar.refresh_from_db()
    assert calendar.name == "Renamed meanwhile"
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_calendar_that_is_removed_while_it_is_read_leaves_no_events(server: FeedServer) -> None:
    calendar: Calendar = CalendarFactory(url=server.url)

    def answer(handler: Handler) -> None:
        Calendar.objects.filter(pk=calendar.pk).delete()
        connection.close()
        handler.give(200, feed(single()).encode())

    server.answer = answer
    assert sync(calendar, at=AT).outcome is Outcome.BUSY
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sync_whose_lease_was_lost_meanwhile_writes_nothing(server: FeedServer) -> None:
    calendar: Calendar = CalendarFactory(url=server.url)

    def answer(handler: Handler) -> None:
        Calendar.objects.filter(pk=calendar.pk).update(lease_until=AT + LEASE * 2)
        connection.close()
        handler.give(200, feed(single()).encode())

    server.answer = answer
    assert sync(calendar, at=AT).outcome is Outcome.BUSY
    assert not Event.objects.exists()
    assert not Entry.objects.exists()
