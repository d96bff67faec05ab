"""From a calendar to deliveries, and along with its changes, by a real worker and the beat."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.models import Entry
from eventupdate.tests.feed_server import FeedServer, Handler
from eventupdate.tests.texts import calendar as feed
from eventupdate.tests.texts import entry, single
from registration.models import Calendar
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory
from tests.faults.conftest import once
from tests.fixtures.processes import WorkerStarter, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = timedelta(minutes=10)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture
def working(start_worker: WorkerStarter) -> None:
    start_worker(beat=True, NOTICE_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8")


def stamp(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"


def make_calendar(url: str) -> Calendar:
    """Return a calendar that is read every two seconds, with a registration for its telecons."""
    made: Calendar = CalendarFactory(url=url, interval=timedelta(seconds=2), is_active=False)
    StepFactory(registration=RegistrationFactory(member=made.owner, calendar=made), offset=-BEFORE)
    Calendar.objects.filter(pk=made.pk).update(is_active=True)
    return made


def pending() -> list[datetime]:
    rows = Delivery.objects.filter(state=State.PENDING).order_by("due_at")
    return [due_at + BEFORE for due_at in rows.values_list("due_at", flat=True)]


@pytest.mark.usefixtures("working")
def test_deliveries_follow_an_entry_that_is_added_moved_and_removed(server: FeedServer) -> None:
    start = (now() + timedelta(hours=3)).replace(microsecond=0)
    server.serve(feed(single(stamp(start))))
    make_calendar(server.url)
    wait_until(lambda: pending() == [start], what="the delivery of a new entry")
    event = Event.objects.get()
    server.serve(feed(single(stamp(start + timedelta(hours=1)))))
    wait_until(lambda: pending() == [start + timedelta(hours=1)], what="the delivery of the moved entry")
    server.serve(feed())
    wait_until(lambda: pending() == [], what="the end of the delivery")
    event.refresh_from_db()
    assert event.canceled_at is not None


@once  # it is the workers that share the work
@pytest.mark.usefixtures("working")
def test_a_slow_feed_delays_no_other(server: FeedServer) -> None:
    start = (now() + timedelta(hours=3)).replace(microsecond=0)
    has_come, is_over = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        if handler.path == "/slow":
            has_come.set()
            is_over.wait(60)
        handler.give(200, feed(single(stamp(start))).encode())

    server.answer = answer
    slow = make_calendar(f"http://{server.address}/slow")
    wait_until(has_come.is_set, what="the request for the slow feed")
    make_calendar(server.url)
    try:
        wait_until(lambda: pending() == [start], what="the delivery of the other calendar")
        slow.refresh_from_db()
        assert slow.synced_at is None
    finally:
        is_over.set()


@once  # how entries are read and stored is tested on each database elsewhere
@pytest.mark.usefixtures("working")
def test_a_series_is_followed_through_what_becomes_of_it(server: FeedServer) -> None:
    """Canceled and reinstated by an exception, unread for a while, moved to another hour, made single."""
    start = (now() + timedelta(hours=3)).replace(microsecond=0)
    later = start + timedelta(days=7)
    series = (f"DTSTART:{stamp(start)}", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    canceled = entry(f"RECURRENCE-ID:{stamp(later)}", f"DTSTART:{stamp(later)}", "STATUS:CANCELLED")
    stamps = count()

    def serve(*parts: str) -> None:
        """Answer as Google does: with another DTSTAMP in every answer, and no ETag."""

        def answer(handler: Handler) -> None:
            stamped = f"BEGIN:VEVENT\nDTSTAMP:20261120T{next(stamps):06}Z"
            handler.give(200, feed(*(part.replace("BEGIN:VEVENT", stamped) for part in parts)).encode())

        server.answer = answer

    serve(entry(*series))
    calendar = make_calendar(server.url)
    wait_until(lambda: pending() == [start, later], what="the deliveries of a new series")
    rows = list(Event.objects.order_by("pk").values_list("pk", "updated_at"))
    asked = len(server.requests)
    wait_until(lambda: len(server.requests) > asked + 1, what="two more readings")
    assert list(Event.objects.order_by("pk").values_list("pk", "updated_at")) == rows

    serve(entry(*series), canceled)
    wait_until(lambda: pending() == [start], what="the end of the delivery that was canceled")
    server.answer = lambda handler: handler.give(200, b"<html>Sign in</html>")
    wait_until(lambda: Calendar.objects.get(pk=calendar.pk).failures > 0, what="a reading that failed")
    assert pending() == [start]

    serve(entry(*series))
    Calendar.objects.filter(pk=calendar.pk).update(next_sync_at=now())
    wait_until(lambda: pending() == [start, later], what="the delivery that was reinstated")
    moved = tuple(line.replace(stamp(start), stamp(start + timedelta(hours=1))) for line in series)
    serve(entry(*moved))
    wait_until(
        lambda: pending() == [at + timedelta(hours=1) for at in (start, later)], what="the moved deliveries"
    )
    serve(entry(*moved[:2]))
    wait_until(lambda: pending() == [start + timedelta(hours=1)], what="the delivery of a single entry")
    # Entries are written after their events.
    wait_until(lambda: Entry.objects.get().is_recurring is False, what="the entry that is single now")
