"""What the provider reads of a Google calendar, from a stand-in that behaves like Google."""

from datetime import date, timedelta

import pytest

from eventupdate.tests.google_readings import MONDAY, WEEK, WEEKLY, read, texts, titles
from eventupdate.tests.texts import AT
from registration.models import Calendar
from tests.google import GoogleCalendar, StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_the_first_reading_is_whole(google_calendar: Calendar, ada_s: GoogleCalendar) -> None:
    ada_s.add("Telecon", MONDAY)
    ada_s.add("Holiday", date(2026, 12, 24))
    gone = ada_s.add("Gone", MONDAY)
    ada_s.delete(gone)
    reading = read(google_calendar)
    assert (titles(reading), reading.is_whole, reading.time_zone) == (
        ["Holiday", "Telecon"],
        True,
        "Europe/Berlin",
    )


def test_the_next_reading_brings_what_changed(google_calendar: Calendar, ada_s: GoogleCalendar) -> None:
    moved, gone = ada_s.add("Moved", MONDAY), ada_s.add("Gone", MONDAY)
    ada_s.add("Same", MONDAY)
    read(google_calendar)
    ada_s.move(moved, timedelta(hours=1))
    ada_s.delete(gone)
    new = ada_s.add("New", MONDAY)
    reading = read(google_calendar)
    assert (reading.is_whole, sorted(texts(reading)), reading.removed) == (
        False,
        sorted([moved, new]),
        [gone],
    )
    assert "DTSTART:20261123T100000Z" in texts(reading)[moved]


def test_a_restored_event_comes_back_under_its_id(google_calendar: Calendar, ada_s: GoogleCalendar) -> None:
    event = ada_s.add("Telecon", MONDAY)
    read(google_calendar)
    ada_s.delete(event)
    assert read(google_calendar).removed == [event]
    ada_s.restore(event, summary="Telecon", start=MONDAY)
    assert [*texts(read(google_calendar))] == [event]


def test_nothing_new_is_an_empty_reading_with_the_next_token(
    google_calendar: Calendar, ada_s: GoogleCalendar
) -> None:
    ada_s.add("Telecon", MONDAY)
    read(google_calendar)
    reading = read(google_calendar)
    assert (reading.resources, reading.removed, reading.is_whole) == ([], [], False)


def test_pages_that_are_short_or_empty_still_have_successors(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    for number in range(7):
        ada_s.add(f"Event {number}", MONDAY + timedelta(hours=number))
    ada_s.page_sizes = [2, 0, 3, 0, 1]
    assert titles(read(google_calendar)) == [f"Event {number}" for number in range(7)]
    assert len(google.calls) == 6
    assert read(google_calendar).resources == []  # the token of the last page was kept


def test_changes_are_paged_too(google_calendar: Calendar, ada_s: GoogleCalendar) -> None:
    events = [ada_s.add(f"Event {number}", MONDAY) for number in range(5)]
    read(google_calendar)
    for event in events:
        ada_s.change(event, summary="Renamed")
    ada_s.page_sizes = [0, 2]
    assert titles(read(google_calendar)) == ["Renamed"] * 5


def test_the_largest_pages_are_asked_for(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    read(google_calendar)
    assert [call.query["maxResults"] for call in google.calls] == [2500]


def test_a_series_and_its_exceptions_share_a_uid(google_calendar: Calendar, ada_s: GoogleCalendar) -> None:
    series = ada_s.add("Telecon", MONDAY, recurrence=WEEKLY)
    moved = ada_s.change_instance(series, MONDAY + WEEK, start=MONDAY + WEEK + timedelta(hours=2))
    canceled = ada_s.cancel_instance(series, MONDAY + 2 * WEEK)
    reading = read(google_calendar)
    assert {resource.key: resource.uid for resource in reading.resources} == {
        series: series,
        moved: series,
        canceled: series,
    }
    found = texts(reading)
    assert "DTSTART;TZID=Europe/Berlin:20261123T100000" in found[series]
    assert "RRULE:FREQ=WEEKLY;COUNT=10" in found[series]
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20261130T100000" in found[moved]
    assert "DTSTART;TZID=Europe/Berlin:20261130T120000" in found[moved]
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20261207T100000" in found[canceled]
    assert "STATUS:CANCELLED" in found[canceled]


def test_an_instance_that_is_canceled_later_is_a_change_not_a_removal(
    google_calendar: Calendar, ada_s: GoogleCalendar
) -> None:
    series = ada_s.add("Telecon", MONDAY, recurrence=WEEKLY)
    read(google_calendar)
    canceled = ada_s.cancel_instance(series, MONDAY + WEEK)
    reading = read(google_calendar)
    assert ([*texts(reading)], reading.removed) == ([canceled], [])


def test_a_sync_token_that_is_too_old_has_everything_read_again(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    ada_s.add("Telecon", MONDAY)
    first = read(google_calendar)
    ada_s.forget_sync_tokens()
    again = read(google_calendar)
    assert again.is_whole
    assert again.resources == first.resources  # ids and versions too: nothing changed
    assert ["syncToken" in call.query for call in google.calls] == [False, True, False]


def test_a_sync_token_that_google_does_not_know_has_everything_read_again(
    google_calendar: Calendar, ada_s: GoogleCalendar
) -> None:
    ada_s.add("Telecon", MONDAY)
    google_calendar.sync_token = "of another calendar"
    assert titles(read(google_calendar)) == ["Telecon"]


def test_a_reading_of_the_whole_calendar_takes_no_token(
    google_calendar: Calendar, ada_s: GoogleCalendar, google: StandIn
) -> None:
    read(google_calendar)
    assert read(google_calendar, is_fresh=False).is_whole
    assert not any("syncToken" in call.query for call in google.calls)


def test_what_was_over_weeks_ago_is_left_out_but_series_go_on(
    google_calendar: Calendar, ada_s: GoogleCalendar
) -> None:
    ada_s.add("Old", AT - timedelta(days=60))
    ada_s.add("Recent", AT - timedelta(days=3))
    ada_s.add("Old series", AT - timedelta(days=60), recurrence=["RRULE:FREQ=WEEKLY"])
    assert titles(read(google_calendar)) == ["Old series", "Recent"]


def test_an_event_that_is_moved_into_the_far_past_is_gone(
    google_calendar: Calendar, ada_s: GoogleCalendar
) -> None:
    event = ada_s.add("Telecon", MONDAY)
    read(google_calendar)
    ada_s.move(event, timedelta(days=-100))
    assert read(google_calendar).removed == [event]
