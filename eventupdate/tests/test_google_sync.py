"""From a Google calendar to events and deliveries, and along with everything that happens to it."""

from datetime import date, datetime, timedelta

import pytest
import time_machine

from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.sync import Outcome, SyncReport, sync
from eventupdate.tests.conftest import dump
from eventupdate.tests.google_browser import CONNECT, connect
from eventupdate.tests.google_readings import MONDAY, WEEK, WEEKLY
from registration.models import Calendar, CalendarAccount
from registration.tests.factories import RegistrationFactory, StepFactory
from tests.fixtures.people import signed_in
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person
from tests.google.refusals import api_refusal

pytestmark = pytest.mark.django_db

BEFORE = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def followed(google_calendar: Calendar, clock: time_machine.Traveller) -> Calendar:
    """Ada's calendar, with a registration for its telecons."""
    registration = RegistrationFactory.create(
        member=google_calendar.owner, calendar=google_calendar, pattern="telecon"
    )
    StepFactory.create(registration=registration, offset=-BEFORE)
    return google_calendar


def run(calendar: Calendar) -> SyncReport:
    calendar.refresh_from_db()
    report = sync(calendar, at=datetime.now(MONDAY.tzinfo))
    calendar.refresh_from_db()
    return report


def pending() -> list[datetime]:
    rows = Delivery.objects.filter(state=State.PENDING).order_by("due_at")
    return [due_at + BEFORE for due_at in rows.values_list("due_at", flat=True)]


def weeks(*numbers: int) -> list[datetime]:
    return [MONDAY + number * WEEK for number in numbers]


def test_deliveries_follow_an_event_that_moves_is_retitled_and_is_deleted(
    followed: Calendar, ada_s: GoogleCalendar
) -> None:
    event = ada_s.add("PFS telecon", MONDAY)
    ada_s.add("Lunch", MONDAY)
    run(followed)
    assert pending() == [MONDAY]
    row = Event.objects.get(title="PFS telecon")
    ada_s.move(event, HOUR)
    run(followed)
    assert pending() == [MONDAY + HOUR]
    ada_s.change(event, summary="PFS meeting")
    run(followed)
    assert pending() == []
    ada_s.change(event, summary="The telecon")
    run(followed)
    assert pending() == [MONDAY + HOUR]
    ada_s.delete(event)
    run(followed)
    assert pending() == []
    row.refresh_from_db()
    assert row.canceled_at is not None


def test_deliveries_follow_single_occurrences_of_a_series(followed: Calendar, ada_s: GoogleCalendar) -> None:
    series = ada_s.add("PFS telecon", MONDAY, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    run(followed)
    assert pending() == weeks(0, 1, 2, 3)
    ada_s.cancel_instance(series, MONDAY + WEEK)
    ada_s.change_instance(series, MONDAY + 2 * WEEK, start=MONDAY + 2 * WEEK + DAY)
    run(followed)
    assert pending() == [MONDAY, MONDAY + 2 * WEEK + DAY, MONDAY + 3 * WEEK]
    ada_s.change_instance(series, MONDAY + WEEK)  # brought back
    ada_s.change_instance(series, MONDAY + 2 * WEEK, summary="Lunch")
    run(followed)
    assert pending() == weeks(0, 1, 3)


def test_deliveries_follow_a_series_that_moves_as_a_whole(followed: Calendar, ada_s: GoogleCalendar) -> None:
    series = ada_s.add("PFS telecon", MONDAY, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    ada_s.cancel_instance(series, MONDAY + WEEK)
    run(followed)
    ada_s.move(series, HOUR)
    run(followed)
    assert pending() == [start + HOUR for start in weeks(0, 1, 2)]


def test_an_invitation_to_one_occurrence_of_another_series_is_followed(
    followed: Calendar, ada_s: GoogleCalendar
) -> None:
    one = ada_s.invite_to_instance("theirs", "PFS telecon", MONDAY)
    run(followed)
    assert pending() == [MONDAY]
    ada_s.change(one, start=MONDAY + HOUR)
    run(followed)
    assert pending() == [MONDAY + HOUR]
    ada_s.cancel(one)
    run(followed)
    assert pending() == []


def test_a_series_that_is_deleted_takes_its_exceptions_along(
    followed: Calendar, ada_s: GoogleCalendar
) -> None:
    series = ada_s.add("PFS telecon", MONDAY, recurrence=WEEKLY)
    ada_s.change_instance(series, MONDAY + WEEK, start=MONDAY + WEEK + DAY)
    run(followed)
    ada_s.delete(series)
    run(followed)
    assert pending() == []


def test_an_event_that_is_made_recurring_stays_the_same_one(
    followed: Calendar, ada_s: GoogleCalendar
) -> None:
    event = ada_s.add("PFS telecon", MONDAY)
    run(followed)
    before = Event.objects.get()
    ada_s.change(event, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    run(followed)
    assert pending() == weeks(0, 1)
    assert Event.objects.order_by("starts_at")[0].pk == before.pk
    ada_s.change(event, recurrence=None)
    run(followed)
    assert pending() == [MONDAY]


def test_a_series_that_repeats_no_more_loses_its_exceptions(
    followed: Calendar, ada_s: GoogleCalendar
) -> None:
    series = ada_s.add("PFS telecon", MONDAY, recurrence=WEEKLY)
    ada_s.cancel_instance(series, MONDAY)
    ada_s.change_instance(series, MONDAY + WEEK, start=MONDAY + WEEK + DAY)
    run(followed)
    assert pending()[:2] == [MONDAY + WEEK + DAY, MONDAY + 2 * WEEK]
    ada_s.change(series, recurrence=None)
    run(followed)
    assert pending() == [MONDAY]
    ada_s.forget_sync_tokens()
    run(followed)
    assert pending() == [MONDAY]


def test_an_absence_says_so(followed: Calendar, ada_s: GoogleCalendar) -> None:
    ada_s.add("Out of office", MONDAY, eventType="outOfOffice")
    ada_s.add("Lunch", MONDAY, transparency="transparent")
    run(followed)
    said = dict(Event.objects.values_list("title", "labels"))
    assert (said["Out of office"].get("busy"), said["Lunch"].get("busy")) == ("away", "free")


def test_a_series_keeps_to_the_clocks_of_its_zone_over_the_end_of_summer_time(
    followed: Calendar, ada_s: GoogleCalendar, clock: time_machine.Traveller
) -> None:
    clock.move_to("2027-03-20T12:00:00Z")
    before = datetime(2027, 3, 22, 10, tzinfo=MONDAY.tzinfo)
    ada_s.add("PFS telecon", before, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    ada_s.add("Telecon in Tokyo", before, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"], zone="Asia/Tokyo")
    run(followed)
    assert [f"{start:%d %H:%M}" for start in pending()] == ["22 09:00", "22 09:00", "29 08:00", "29 09:00"]


def test_what_the_member_declines_is_told_no_more(followed: Calendar, ada_s: GoogleCalendar) -> None:
    me = {"email": ada_s.id, "self": True, "responseStatus": "accepted"}
    event = ada_s.add("PFS telecon", MONDAY, attendees=[me])
    run(followed)
    assert pending() == [MONDAY]
    ada_s.change(event, attendees=[me | {"responseStatus": "declined"}])
    run(followed)
    assert pending() == []


def test_an_event_says_where_who_and_how_to_join(followed: Calendar, ada_s: GoogleCalendar) -> None:
    ada_s.add(
        "Telecon",
        date(2026, 11, 24),
        location="Room 1",
        description="Agenda:<br>all",
        conferenceData={"entryPoints": [{"entryPointType": "video", "uri": "https://zoom.us/j/1"}]},
        attendees=[{"email": "bob@example.org", "displayName": "Bob", "responseStatus": "accepted"}],
    )
    run(followed)
    event = Event.objects.get()
    assert (event.location, event.description, event.url) == ("Room 1", "Agenda:\nall", "https://zoom.us/j/1")
    assert (event.is_all_day, event.labels["organiser"]) == (True, "Boss")
    assert "Bob" in event.attendees


def test_an_expired_sync_token_notifies_no_member_twice(followed: Calendar, ada_s: GoogleCalendar) -> None:
    series = ada_s.add("PFS telecon", MONDAY, recurrence=WEEKLY)
    ada_s.change_instance(series, MONDAY + WEEK, start=MONDAY + WEEK + DAY)
    ada_s.cancel_instance(series, MONDAY + 2 * WEEK)
    ada_s.add("Other telecon", MONDAY)
    run(followed)
    before = dump()
    ada_s.forget_sync_tokens()
    report = run(followed)
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    assert dump() == before


def test_what_changed_while_the_token_was_lost_is_found(followed: Calendar, ada_s: GoogleCalendar) -> None:
    moved, gone = ada_s.add("PFS telecon", MONDAY), ada_s.add("Other telecon", MONDAY)
    run(followed)
    ada_s.move(moved, HOUR)
    ada_s.delete(gone)
    ada_s.forget_sync_tokens()
    run(followed)
    assert pending() == [MONDAY + HOUR]


def test_a_reading_that_fails_between_two_pages_changes_nothing(
    followed: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    events = [ada_s.add("PFS telecon", MONDAY + number * HOUR) for number in range(3)]
    run(followed)
    before, token = dump(), followed.sync_token
    ada_s.delete(events[0])
    for event in events[1:]:
        ada_s.move(event, DAY)
    ada_s.page_sizes = [1]
    google.trouble("calendar.events.list", api_refusal(503, "backendError", "Backend Error"), skip=1)
    report = run(followed)
    assert (report.outcome, "has an error" in followed.problem) == (Outcome.FAILED, True)
    assert (dump(), followed.sync_token) == (before, token)
    run(followed)
    assert (pending(), followed.problem) == ([MONDAY + HOUR + DAY, MONDAY + 2 * HOUR + DAY], "")


def test_a_withdrawn_permission_keeps_what_is_stored_and_tells_the_member_once(
    followed: Calendar, ada_s: GoogleCalendar, ada: Person, google: StandIn
) -> None:
    ada_s.add("PFS telecon", MONDAY)
    run(followed)
    google.oauth.withdraw(ada)
    for _ in range(2):
        run(followed)
    assert "Google wants you to connect again." in followed.problem
    assert CalendarAccount.objects.get().refused_at is not None
    told = Delivery.objects.exclude(event__source=followed.source)
    assert [delivery.event.title for delivery in told] == ["Connect Google Calendar again"]
    assert MONDAY in pending()


def test_an_account_that_is_connected_again_goes_on_where_it_stopped(
    followed: Calendar, ada_s: GoogleCalendar, ada: Person, google: StandIn
) -> None:
    ada_s.add("PFS telecon", MONDAY)
    run(followed)
    before = dump()
    google.oauth.withdraw(ada)
    run(followed)
    ada_s.add("Other telecon", MONDAY + DAY)
    connect(signed_in(followed.owner), google, f"{CONNECT}?account={followed.account_id}")
    Delivery.objects.exclude(event__source=followed.source).delete()
    report = run(followed)
    assert (report.outcome, report.added, report.changed, report.removed) == (Outcome.SYNCED, 1, 0, 0)
    assert [row for row in dump() if row in before] == before
    assert (followed.problem, CalendarAccount.objects.get().refused_at) == ("", None)


def test_an_unchanged_calendar_is_one_request_and_a_changed_one_too(
    followed: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    for number in range(30):
        ada_s.add(f"Event {number}", MONDAY)
    moved = ada_s.add("PFS telecon", MONDAY)
    run(followed)
    run(followed)
    ada_s.move(moved, HOUR)
    report = run(followed)
    assert ["syncToken" in call.query for call in google.calls] == [False, True, True]
    assert (report.changed, report.added, report.removed) == (1, 0, 0)
