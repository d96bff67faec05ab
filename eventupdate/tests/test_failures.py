"""Readings that fail change nothing, are tried again, and are told of when they last."""

from datetime import timedelta

import pytest

from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.planner import plan_events
from eventupdate.failing import LASTING, tell_of_refusal
from eventupdate.sync import FIRST_RETRY, Outcome, sync
from eventupdate.tests.conftest import dump
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.syncing import WEEKLY, counts, next_sync, run
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar, CalendarAccount, Member
from registration.tests.factories import CalendarFactory, MemberFactory, RegistrationFactory

pytestmark = pytest.mark.django_db


def test_entries_that_cant_be_read_stay_as_they_were(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(entry(*WEEKLY), single("20261124T090000Z", uid="two")))
    run(calendar)
    server.serve(feed(entry(*WEEKLY[:2], "RRULE:FREQ=SOMETIMES")))
    report = run(calendar)
    assert (counts(report), report.skipped) == ((0, 0, 1), 1)
    assert Event.objects.filter(canceled_at__isnull=True).count() == 3
    assert "One entry can't be read and was left as it was" in calendar.problem
    assert calendar.failures == 0


BROKEN = ["", "<html>", feed(single())[:-20], "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n"]


@pytest.mark.parametrize("content", BROKEN)
def test_a_feed_that_fails_changes_nothing(calendar: Calendar, server: FeedServer, content: str) -> None:
    server.serve(feed(single()))
    run(calendar)
    before = dump()
    synced_at = calendar.synced_at
    server.serve(content)
    report = run(calendar, AT + timedelta(minutes=5))
    assert report.outcome is Outcome.FAILED
    assert dump() == before
    assert calendar.problem == report.problem != ""
    assert (calendar.failures, calendar.synced_at) == (1, synced_at)


def test_a_server_with_a_fault_changes_nothing(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    run(calendar)
    before = dump()
    server.answer = lambda handler: handler.give(500, feed().encode())
    assert run(calendar).outcome is Outcome.FAILED
    assert dump() == before


def test_a_failing_feed_is_asked_less_and_less_often(calendar: Calendar, server: FeedServer) -> None:
    server.serve("<html>")
    at, waits = AT, []
    for _ in range(10):
        run(calendar, at)
        waits.append(next_sync(calendar) - at)
        at = next_sync(calendar)
    assert timedelta(seconds=50) < waits[0] <= FIRST_RETRY
    assert waits[0] < waits[2] < waits[4]
    assert timedelta(minutes=53) < max(waits) <= timedelta(hours=1)
    # Calendars of one server that failed together are not asked together for ever.
    assert len(set(waits[-3:])) > 1


def test_a_lasting_failure_is_told_once(calendar: Calendar, server: FeedServer) -> None:
    server.serve("<html>")
    for n in range(LASTING - 1):
        run(calendar, AT + timedelta(minutes=n))
    assert not Event.objects.exists()
    for n in range(LASTING):
        run(calendar, AT + timedelta(hours=1 + n))
    event = Event.objects.get(source="system")
    assert event.title == f"Calendar number {calendar.pk} can't be read"
    assert event.labels == {"kind": "calendar", "calendar": calendar.pk}


def test_a_shared_calendar_that_fails_is_named(calendar: Calendar, server: FeedServer) -> None:
    Calendar.objects.update(owner=None, name="Observing runs", failures=LASTING - 1)
    server.serve("<html>")
    run(calendar)
    assert Event.objects.get(source="system").title == "Calendar “Observing runs” can't be read"


def test_a_feed_that_is_well_again_goes_on_where_it_was(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(), entry("DTSTART:soon", uid="two")))
    run(calendar)
    problem = calendar.problem
    server.answer = lambda handler: handler.give(500, b"")
    run(calendar)
    assert calendar.problem != problem
    server.answer = None
    assert run(calendar).outcome is Outcome.UNCHANGED
    assert (calendar.failures, calendar.problem) == (0, problem)
    assert "if-none-match" in server.requests[-1]


def test_a_feed_that_has_failed_for_long_is_read_anew(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    run(calendar)
    before = dump()
    Calendar.objects.update(failures=LASTING)
    assert run(calendar).outcome is Outcome.SYNCED
    assert "if-none-match" not in server.requests[-1]
    assert dump() == before


def test_a_defect_leaves_the_calendar_free_for_the_next_try(calendar: Calendar, server: FeedServer) -> None:
    Calendar.objects.update(kind="unheard-of")
    report = run(calendar)
    assert report.outcome is Outcome.FAILED
    assert report.problem == "PFS Notice has an internal error; its log has the details."
    assert calendar.lease_until is None


def connected(owner: Member | None, server: FeedServer) -> Calendar:
    """Return a calendar of an account that has lost its password."""
    account = CalendarAccount.objects.create(
        owner=owner,
        provider=CalendarAccount.Provider.CALDAV,
        name="me@example.org",
        url=server.url,
    )
    made: Calendar = CalendarFactory(
        owner=owner, account=account, kind=Calendar.Kind.CALDAV, remote_id=server.url
    )
    return made


@pytest.mark.usefixtures("clock")
def test_an_account_that_is_refused_is_told_to_its_owner_once(server: FeedServer) -> None:
    member = MemberFactory()
    other = MemberFactory()
    RegistrationFactory(member=other, calendar=None, source="system", pattern=".")
    calendar = connected(member, server)
    for n in range(LASTING + 1):
        assert run(calendar, AT + timedelta(hours=n)).outcome is Outcome.FAILED
    account = CalendarAccount.objects.get()
    assert account.refused_at == AT
    delivery = Delivery.objects.get()
    assert (delivery.member, delivery.kind) == (member, "inbox")
    assert delivery.event.title == "Connect CalDAV again"
    assert "“me@example.org”" in delivery.event.description


@pytest.mark.usefixtures("clock")
def test_a_notice_of_a_refusal_is_not_taken_back_by_planning(server: FeedServer) -> None:
    calendar = connected(MemberFactory(), server)
    run(calendar)
    plan_events(list(Event.objects.values_list("pk", flat=True)))
    assert Delivery.objects.get().state == State.PENDING


@pytest.mark.usefixtures("clock")
def test_a_shared_account_that_is_refused_is_told_to_those_who_look_after_the_system(
    server: FeedServer,
) -> None:
    calendar = connected(None, server)
    run(calendar)
    run(calendar, AT + timedelta(hours=1))
    event = Event.objects.get()
    assert (event.source, event.title) == ("system", "Connect CalDAV again")
    assert event.labels["kind"] == "calendar_account"


def test_an_account_that_lets_us_read_again_is_no_longer_refused(
    calendar: Calendar, server: FeedServer
) -> None:
    account = CalendarAccount.objects.create(
        owner=calendar.owner, provider=CalendarAccount.Provider.CALDAV, name="me", refused_at=AT
    )
    Calendar.objects.update(account=account)
    server.serve(feed(single()))
    run(calendar)
    account.refresh_from_db()
    assert account.refused_at is None


def test_an_account_that_may_not_read_another_of_its_calendars_stays_refused(
    calendar: Calendar, server: FeedServer
) -> None:
    refused = connected(calendar.owner, server)
    Calendar.objects.filter(pk=calendar.pk).update(account=refused.account)
    server.serve(feed(single()))
    for n in range(3):
        run(refused, AT + timedelta(hours=n))
        run(calendar, AT + timedelta(hours=n))
    assert CalendarAccount.objects.get().refused_at == AT
    assert Delivery.objects.filter(event__title="Connect CalDAV again").count() == 1


@pytest.mark.usefixtures("clock")
def test_a_calendar_that_was_removed_while_it_failed_notifies_no_member(server: FeedServer) -> None:
    calendar: Calendar = CalendarFactory(url=server.url, failures=LASTING - 1)
    server.serve("<html>")
    Calendar.objects.filter(pk=calendar.pk).delete()
    assert sync(calendar, at=AT).outcome is Outcome.BUSY
    assert not Event.objects.exists()


@pytest.mark.usefixtures("clock")
def test_a_refusal_of_an_account_connected_again_meanwhile_notifies_no_member(server: FeedServer) -> None:
    calendar = connected(MemberFactory(), server)
    assert calendar.account is not None  # as it was when the reading began
    CalendarAccount.objects.update(credentials="newer")
    tell_of_refusal(calendar, AT)
    assert CalendarAccount.objects.get().refused_at is None
    assert not Event.objects.exists()
