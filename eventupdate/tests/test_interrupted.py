"""A sync that stops half way: the next one completes it, and tells, cancels and loses nothing by it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connection

from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning import publish
from eventinvoke.planning.replan import follow_changes
from eventupdate import write
from eventupdate.lease import LEASE, MARGIN
from eventupdate.models import Entry
from eventupdate.sync import Outcome, sync
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import RegistrationFactory, StepFactory

pytestmark = pytest.mark.django_db(transaction=True)

WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=3"
BEFORE = feed(
    entry("DTSTART:20261123T090000Z", WEEKLY, uid="weekly"),
    entry("DTSTART:20261124T100000Z", WEEKLY, uid="shifted", title="Other telecon"),
    single("20261125T090000Z", uid="retitled"),
    single("20261126T090000Z", uid="removed", title="Removed telecon"),
    single("20261127T090000Z", uid="first-export", title="Exported telecon"),
    single("20261128T090000Z", uid="becomes-weekly", title="Third telecon"),
    single("20261129T090000Z", uid="same", title="Same telecon"),
)
AFTER = feed(
    entry("DTSTART:20261123T090000Z", WEEKLY, uid="weekly"),
    entry("RECURRENCE-ID:20261130T090000Z", "DTSTART:20261201T150000Z", uid="weekly"),
    entry("DTSTART:20261124T110000Z", WEEKLY, uid="shifted", title="Other telecon"),
    single("20261125T090000Z", uid="retitled", title="Lunch"),
    single("20261127T090000Z", uid="second-export", title="Exported telecon"),
    entry("DTSTART:20261128T090000Z", WEEKLY, uid="becomes-weekly", title="Third telecon"),
    single("20261129T090000Z", uid="same", title="Same telecon"),
    single("20261130T120000Z", uid="added", title="Added telecon"),
)


class Killed(BaseException):
    """The process ends here: no handler of the sync's runs."""


@contextmanager
def stopped_at(number: int, error: type[BaseException]) -> Iterator[None]:
    """Raise an error in place of a statement that writes, counted from 0."""
    so_far = count()

    def execute(run: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and next(so_far) == number:
            raise error
        return run(sql, parameters, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few events make many batches, of which each is a place to stop at."""
    monkeypatch.setattr(publish, "BATCH", 2)
    monkeypatch.setattr(write, "STEP", 2)


@pytest.fixture
def known(upload: Calendar) -> Calendar:
    """Return a calendar with a registration for its telecons, which is to change from one text to another."""
    registration = RegistrationFactory(member=upload.owner, calendar=upload, pattern="telecon")
    StepFactory(registration=registration, offset=timedelta(minutes=-10))
    change(upload)
    return upload


def change(calendar: Calendar) -> None:
    """Restore the calendar after a first sync and a few notices, with another text at its source."""
    forget(calendar, BEFORE)
    assert sync(calendar, at=AT).outcome is Outcome.SYNCED
    sent = Event.objects.filter(title__in=["PFS telecon", "Exported telecon", "Third telecon"])
    Delivery.objects.filter(event__in=sent, event__starts_at__day__in=[23, 27, 28]).update(state=State.SENT)
    Calendar.objects.update(content=AFTER)


def forget(calendar: Calendar, content: str) -> None:
    """Restore the calendar before its first sync."""
    for model in (Delivery, Event, Entry):
        model.objects.all().delete()
    columns = {
        "expanded_until": None,
        "content_hash": "",
        "synced_at": None,
        "failed_at": None,
        "failures": 0,
    }
    Calendar.objects.filter(pk=calendar.pk).update(**columns, lease_until=None, problem="", content=content)


def stored() -> dict[str, list[Any]]:
    """Return what a sync stores, without keys and the time of the sync itself."""
    events = Event.objects.order_by("external_id")
    names = ("external_id", "series", "title", "starts_at", "ends_at")
    deliveries = Delivery.objects.order_by("event__external_id", "due_at", "state")
    return {
        "events": [(*row[:-1], row[-1] is None) for row in events.values_list(*names, "canceled_at")],
        "deliveries": list(deliveries.values_list("event__external_id", "due_at", "state")),
        "entries": list(Entry.objects.order_by("key").values_list("key", "series", "version", "starts_at")),
        "calendar": list(
            Calendar.objects.values_list("expanded_until", "content_hash", "problem", "failures")
        ),
    }


def outcomes(
    calendar: Calendar, prepare: Callable[[], None], error: type[BaseException], later: datetime
) -> Iterator[dict[str, list[Any]]]:
    """Yield what is stored after a sync that stopped at its first statement that writes, its second … and a later sync.

    The last is of a sync that did not stop.
    """
    for number in count():
        prepare()
        try:
            with stopped_at(number, error):
                is_whole = sync(calendar, at=AT).outcome is Outcome.SYNCED
        except error:
            is_whole = False
        if not is_whole:
            assert sync(calendar, at=later).outcome is Outcome.SYNCED
            follow_changes(60)  # events that were stored and not planned carry a mark for the next wake-up
        yield stored()
        if is_whole:
            return


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("error", "later"),
    [(Killed, AT + LEASE + timedelta(seconds=1)), (OperationalError, AT + timedelta(minutes=1))],
)
def test_a_sync_that_stops_at_any_statement_is_completed_by_the_next(
    known: Calendar, error: type[BaseException], later: datetime
) -> None:
    *interrupted, whole = outcomes(known, partial(change, known), error, later)
    assert len(interrupted) > 12
    wrong = [number for number, found in enumerate(interrupted) if found != whole]
    assert [(number, interrupted[number]) for number in wrong] == []


@pytest.mark.usefixtures("small_batches")
def test_a_first_sync_that_stops_at_any_statement_is_completed_by_the_next(upload: Calendar) -> None:
    prepare = partial(forget, upload, BEFORE)
    *interrupted, whole = outcomes(upload, prepare, Killed, AT + LEASE + timedelta(seconds=1))
    assert len(interrupted) > 8
    assert [number for number, found in enumerate(interrupted) if found != whole] == []


@pytest.mark.usefixtures("small_batches")
def test_a_source_that_goes_back_after_an_interrupted_sync_is_read_as_it_is(known: Calendar) -> None:
    """Its text has the hash that is stored, but part of the other text is written."""
    before = stored()
    with pytest.raises(Killed), stopped_at(5, Killed):
        sync(known, at=AT)
    assert stored()["events"] != before["events"]
    Calendar.objects.update(content=BEFORE)
    sync(known, at=AT + LEASE + timedelta(seconds=1))
    names = [row[:4] for row in stored()["events"] if row[-1]]
    assert names == [row[:4] for row in before["events"]]


@pytest.mark.usefixtures("small_batches")
def test_a_sync_that_loses_its_lease_between_batches_stops(upload: Calendar) -> None:
    Calendar.objects.update(content=BEFORE)
    other = AT + LEASE * 2

    def lose(run: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        found = run(sql, parameters, many, context)
        if sql.startswith("INSERT") and "eventinvoke_event" in sql:
            Calendar.objects.update(lease_until=other)
        return found

    with connection.execute_wrapper(lose):
        assert sync(upload, at=AT).outcome is Outcome.BUSY
    assert Event.objects.count() == 2
    assert not Entry.objects.exists()
    upload.refresh_from_db()
    assert (upload.lease_until, upload.synced_at, upload.content_hash) == (other, None, "")


@pytest.mark.usefixtures("small_batches")
def test_a_sync_stops_before_its_lease_ends(upload: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    Calendar.objects.update(content=BEFORE)
    monkeypatch.setattr("eventupdate.lease.MARGIN", LEASE + MARGIN)
    assert sync(upload, at=AT).outcome is Outcome.BUSY
    assert not Event.objects.exists()
