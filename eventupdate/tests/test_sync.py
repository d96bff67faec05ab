from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.sync import Outcome, sync
from eventupdate.tests.conftest import dump
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.syncing import WEEKLY, counts, next_sync, run
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar

Queries = Callable[..., Any]

pytestmark = pytest.mark.django_db


def pending() -> list[str]:
    due = Delivery.objects.filter(state=State.PENDING).order_by("due_at").values_list("due_at", flat=True)
    return [f"{instant:%Y-%m-%d %H:%M}" for instant in due]


def test_entries_become_events_and_deliveries(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single("20261124T090000Z"), single("20261125T090000Z", uid="two", title="Lunch")))
    report = run(calendar)
    assert (report.outcome, counts(report)) == (Outcome.SYNCED, (2, 0, 0))
    assert list(Event.objects.order_by("starts_at").values_list("source", "external_id", "title")) == [
        (calendar.source, "one@test#", "PFS telecon"),
        (calendar.source, "two#", "Lunch"),
    ]
    assert pending() == ["2026-11-24 08:50"]


def test_an_entry_carries_what_it_says(calendar: Calendar, server: FeedServer) -> None:
    lines = ("LOCATION:Room 1", "DESCRIPTION:Agenda", "URL:https://example.org/1", "STATUS:TENTATIVE")
    attendee = "ATTENDEE;CN=Ana:mailto:ana@example.org"
    server.serve(feed(entry("DTSTART;VALUE=DATE:20261124", attendee, *lines)))
    run(calendar)
    event = Event.objects.get()
    assert (event.location, event.description, event.url) == ("Room 1", "Agenda", "https://example.org/1")
    assert (event.is_all_day, event.labels) == (True, {"status": "tentative"})
    assert event.ends_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert (event.starts_on, event.attendees) == (date(2026, 11, 24), "Ana <ana@example.org>")


def test_a_sync_says_when_it_was_and_when_the_next_is(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    run(calendar)
    assert (calendar.synced_at, calendar.lease_until, calendar.problem) == (AT, None, "")
    assert timedelta(minutes=4.4) < next_sync(calendar) - AT < timedelta(minutes=5.6)


def test_calendars_of_one_interval_drift_apart(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    waits = set()
    for _ in range(5):
        run(calendar)
        waits.add(next_sync(calendar) - AT)
    assert len(waits) > 1


def test_an_unmodified_feed_takes_three_queries(
    calendar: Calendar, server: FeedServer, django_assert_num_queries: Queries
) -> None:
    server.serve(feed(single()))
    run(calendar)
    with django_assert_num_queries(3):  # claim it, read its row, give it free
        report = sync(calendar, at=AT + timedelta(minutes=5))
    assert report.outcome is Outcome.UNCHANGED


def test_the_same_feed_in_other_words_writes_nothing(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(), single("20261125T090000Z", uid="two")))
    run(calendar)
    before = dump()
    server.serve(feed(single("20261125T090000Z", uid="two"), "X-WR-CALNAME:Renamed", single()))
    report = run(calendar, AT + timedelta(minutes=5))
    assert (report.outcome, counts(report)) == (Outcome.SYNCED, (0, 0, 0))
    assert dump() == before


def test_the_queries_of_a_comparison_do_not_grow_with_the_feed(
    calendar: Calendar, server: FeedServer, django_assert_max_num_queries: Queries
) -> None:
    entries = [
        single(f"202611{day}T{hour:02}0000Z", uid=f"{day}-{hour}") for day in (24, 25) for hour in range(24)
    ]
    server.serve(feed(*entries))
    run(calendar)
    server.serve(feed(*entries, "X-CHANGED:1"))
    with django_assert_max_num_queries(9):  # with the savepoints
        assert sync(calendar, at=AT).unchanged == 48


def test_only_the_entry_that_moved_is_written(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(), single("20261125T090000Z", uid="two")))
    run(calendar)
    first, second = Event.objects.order_by("starts_at")
    server.serve(feed(single("20261126T150000Z"), single("20261125T090000Z", uid="two")))
    assert counts(run(calendar)) == (0, 1, 0)
    moved = Event.objects.get(pk=first.pk)
    assert (moved.starts_at, moved.external_id) == (datetime(2026, 11, 26, 15, tzinfo=UTC), first.external_id)
    assert Event.objects.get(pk=second.pk).updated_at == second.updated_at
    assert pending() == ["2026-11-25 08:50", "2026-11-26 14:50"]


def test_an_occurrence_that_moved_keeps_its_row(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(entry(*WEEKLY)))
    run(calendar)
    row = Event.objects.get(starts_at=datetime(2026, 11, 30, 9, tzinfo=UTC))
    server.serve(feed(entry(*WEEKLY), entry("RECURRENCE-ID:20261130T090000Z", "DTSTART:20261201T100000Z")))
    assert counts(run(calendar)) == (0, 1, 0)
    row.refresh_from_db()
    assert row.starts_at == datetime(2026, 12, 1, 10, tzinfo=UTC)


def test_an_entry_that_is_retitled_out_of_the_pattern_is_not_told(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(single()))
    run(calendar)
    server.serve(feed(single(title="Lunch")))
    run(calendar)
    assert pending() == []


@pytest.mark.parametrize(
    "gone", [feed(), feed(single() + "\n").replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")]
)
def test_an_entry_that_is_gone_or_cancelled_is_withdrawn(
    calendar: Calendar, server: FeedServer, gone: str
) -> None:
    server.serve(feed(single()))
    run(calendar)
    server.serve(gone)
    assert counts(run(calendar)) == (0, 0, 1)
    assert Event.objects.get().canceled_at is not None
    assert pending() == []


def test_an_entry_that_stays_away_is_withdrawn_once(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    run(calendar)
    server.serve(feed())
    run(calendar)
    before = dump()
    server.serve(feed("X-CHANGED:1"))
    assert counts(run(calendar)) == (0, 0, 0)
    assert dump() == before


def test_a_cancelled_occurrence_is_withdrawn_and_a_reinstated_one_is_told_again(
    calendar: Calendar, server: FeedServer
) -> None:
    cancelled = entry("RECURRENCE-ID:20261130T090000Z", "DTSTART:20261130T090000Z", "STATUS:CANCELLED")
    server.serve(feed(entry(*WEEKLY), cancelled))
    run(calendar)
    assert pending() == ["2026-11-23 08:50", "2026-12-07 08:50"]
    server.serve(feed(entry(*WEEKLY)))
    assert counts(run(calendar)) == (1, 0, 0)
    server.serve(feed(entry(*WEEKLY), cancelled))
    assert counts(run(calendar)) == (0, 0, 1)
    server.serve(feed(entry(*WEEKLY)))
    assert counts(run(calendar)) == (0, 1, 0)
    assert pending() == ["2026-11-23 08:50", "2026-11-30 08:50", "2026-12-07 08:50"]
    assert Event.objects.count() == 3


def test_an_entry_that_has_begun_is_not_withdrawn(calendar: Calendar, server: FeedServer) -> None:
    # Feeds that list only what is to come drop what has begun.
    server.serve(feed(single("20261120T121000Z")))
    run(calendar)
    server.serve(feed())
    assert counts(run(calendar, AT + timedelta(minutes=11))) == (0, 0, 0)
    assert Event.objects.get().canceled_at is None


def test_what_was_fired_stays_as_it_was(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    run(calendar)
    Delivery.objects.update(state=State.SENT)
    server.serve(feed())
    run(calendar)
    assert Delivery.objects.get().state == State.SENT


def test_an_entry_that_is_made_recurring_is_not_told_twice(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single("20261123T090000Z")))
    run(calendar)
    Delivery.objects.update(state=State.SENT)
    row = Event.objects.get()
    server.serve(feed(entry(*WEEKLY)))
    assert counts(run(calendar)) == (2, 1, 0)  # its length changed too
    row.refresh_from_db()
    assert row.external_id == "one@test#20261123T090000Z"
    assert row.deliveries.get().state == State.SENT
    assert pending() == ["2026-11-30 08:50", "2026-12-07 08:50"]


def test_new_uids_for_the_same_entries_notify_no_member_twice(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(uid="a"), single("20261125T090000Z", uid="b")))
    run(calendar)
    Delivery.objects.update(state=State.SENT)
    server.serve(feed(single(uid="c"), single("20261125T090000Z", uid="d")))
    assert counts(run(calendar)) == (0, 0, 0)
    assert sorted(Event.objects.values_list("external_id", flat=True)) == ["c#", "d#"]
    assert pending() == []


def test_entries_that_look_alike_may_continue_as_each_other(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(uid="a"), single(uid="b")))
    run(calendar)
    server.serve(feed(single(uid="c"), single(uid="d"), single(uid="b")))
    assert counts(run(calendar)) == (1, 0, 0)


def test_a_moved_zone_moves_the_deliveries(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(entry("DTSTART;TZID=Europe/Berlin:20261124T090000")))
    run(calendar)
    server.serve(feed(entry("DTSTART;TZID=Asia/Tokyo:20261124T090000")))
    assert counts(run(calendar)) == (0, 1, 0)
    assert pending() == ["2026-11-23 23:50"]


def test_a_zone_chosen_for_the_calendar_takes_effect(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(entry("DTSTART:20261124T090000")))
    run(calendar)
    Calendar.objects.update(default_time_zone="Asia/Tokyo")
    assert counts(run(calendar)) == (0, 1, 0)
    assert pending() == ["2026-11-23 23:50"]


def test_the_horizon_rolls_forward_though_the_feed_stays_the_same(
    calendar: Calendar, server: FeedServer, clock: time_machine.Traveller
) -> None:
    server.serve(feed(entry("DTSTART:20261101T090000Z", "RRULE:FREQ=DAILY")))
    assert run(calendar).added == 62
    tomorrow = AT + timedelta(days=1)
    clock.move_to(tomorrow)
    assert counts(run(calendar, tomorrow)) == (1, 0, 0)
    assert run(calendar, tomorrow + timedelta(minutes=5)).outcome is Outcome.UNCHANGED


def test_an_uploaded_file_rolls_forward_too(upload: Calendar, clock: time_machine.Traveller) -> None:
    upload.content = feed(entry("DTSTART:20261101T090000Z", "RRULE:FREQ=DAILY"))
    upload.save()
    assert run(upload).added == 62
    assert run(upload).outcome is Outcome.UNCHANGED
    clock.move_to(AT + timedelta(days=1))
    assert run(upload, AT + timedelta(days=1)).added == 1


def test_another_file_takes_the_place_of_the_first(upload: Calendar) -> None:
    Calendar.objects.update(content=feed(single()))
    run(upload)
    Calendar.objects.update(content=feed(single(uid="two", title="Lunch")))
    assert counts(run(upload)) == (1, 0, 1)


def test_a_second_sync_leaves_a_calendar_that_is_being_read_alone(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(single()))
    Calendar.objects.update(lease_until=AT + timedelta(seconds=1))
    assert sync(calendar, at=AT).outcome is Outcome.BUSY
    assert server.requests == []
    assert sync(calendar, at=AT + timedelta(seconds=2)).outcome is Outcome.SYNCED
