import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import current_app

from common.clock import now
from eventinvoke.models import Delivery, Event
from eventupdate import tasks
from eventupdate.abandoned import withdraw_abandoned
from eventupdate.sync import sync
from eventupdate.tasks import sync_calendar, sync_calendars, tidy_calendars
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.texts import AT, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import CalendarFactory, MemberFactory

Queries = Callable[..., Any]

pytestmark = pytest.mark.django_db


Sent = Callable[[], list[int]]


@pytest.fixture
def sent(broker_url: str) -> Iterator[Sent]:
    """Return what takes the tasks out of the queue "calendars", as a worker would, and names their calendars."""
    current_app.conf.update(broker_url=broker_url)
    with redis.from_url(broker_url) as client:

        def take() -> list[int]:
            messages = [json.loads(text) for text in client.lrange("calendars", 0, -1)]
            client.delete("calendars")
            assert {message["headers"]["task"] for message in messages} <= {sync_calendar.name}
            return sorted(json.loads(base64.b64decode(message["body"]))[0][0] for message in messages)

        yield take


def test_the_beat_looks_for_due_calendars_every_few_seconds(settings: Any) -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["sync_calendars"]
    assert entry["task"] == sync_calendars.name
    assert entry["schedule"] <= 5


def test_each_due_calendar_has_a_task_of_its_own_once(
    calendar: Calendar, upload: Calendar, sent: Sent
) -> None:
    CalendarFactory(is_active=False)
    sync_calendars()
    sync_calendars()
    assert sent() == sorted([calendar.pk, upload.pk])


def test_a_task_that_got_lost_is_sent_again_after_a_minute(
    calendar: Calendar, sent: Sent, clock: Any
) -> None:
    sync_calendars()
    assert sent() == [calendar.pk]
    clock.move_to(AT + timedelta(seconds=61))
    sync_calendars()
    assert sent() == [calendar.pk]


def test_a_member_with_many_calendars_has_two_read_at_once_and_the_others_theirs(
    calendar: Calendar, sent: Sent
) -> None:
    crowd = MemberFactory()
    many = [CalendarFactory(owner=crowd, next_sync_at=AT - timedelta(minutes=99 - one)) for one in range(60)]
    sync_calendars()
    assert sent() == sorted([calendar.pk, *(one.pk for one in many[:2])])
    Calendar.objects.filter(pk__in=[one.pk for one in many[:2]]).update(lease_until=AT + timedelta(minutes=1))
    sync_calendars()
    assert sent() == []


def test_a_calendar_for_which_the_process_has_no_thread_is_due_again_at_once(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(single()))
    held = [tasks._threads.acquire(blocking=False) for _number in range(tasks._AT_ONCE)]
    try:
        sync_calendar(calendar.pk)
    finally:
        for _one in held:
            tasks._threads.release()
    assert (server.requests, Event.objects.count()) == ([], 0)
    assert Calendar.objects.due(now() + timedelta(seconds=1)).filter(pk=calendar.pk).exists()


def test_a_look_when_nothing_is_due_is_one_query(
    calendar: Calendar, django_assert_num_queries: Queries
) -> None:
    Calendar.objects.update(next_sync_at=AT + timedelta(minutes=1))
    with django_assert_num_queries(1):
        sync_calendars()


def test_a_calendars_task_syncs_it(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    sync_calendar(calendar.pk)
    assert Event.objects.count() == 1


def test_a_task_that_another_one_has_followed_does_nothing(
    calendar: Calendar, server: FeedServer, sent: Sent, clock: Any
) -> None:
    server.serve(feed(single()))
    marks = []
    for minutes in (0, 2):
        clock.move_to(AT + timedelta(minutes=minutes))
        sync_calendars()
        again_at = Calendar.objects.get(pk=calendar.pk).next_sync_at
        assert again_at is not None
        marks.append(again_at.isoformat())
    sync_calendar(calendar.pk, marks[0])
    assert server.requests == []
    for _ in range(2):
        sync_calendar(calendar.pk, marks[1])
    assert len(server.requests) == 1


def test_a_queue_in_which_much_waits_is_left_alone_and_the_calendar_stays_due(
    calendar: Calendar, sent: Sent, broker_url: str
) -> None:
    with redis.from_url(broker_url) as client:
        client.rpush("calendars", *["{}"] * 50)
    sync_calendars()
    assert Calendar.objects.due(now()).filter(pk=calendar.pk).exists()
    with redis.from_url(broker_url) as client:
        assert client.llen("calendars") == 50


def test_a_calendar_that_is_gone_or_switched_off_is_left_alone(
    calendar: Calendar, server: FeedServer
) -> None:
    Calendar.objects.update(is_active=False)
    sync_calendar(calendar.pk)
    sync_calendar(calendar.pk + 1)
    assert server.requests == []


def test_a_calendar_that_is_switched_off_takes_its_entries_back_and_brings_them_again(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(single()))
    sync(calendar, at=AT)
    Calendar.objects.update(is_active=False)
    tidy_calendars()
    assert Event.objects.get().canceled_at is not None
    assert not Delivery.objects.pending().exists()
    Calendar.objects.update(is_active=True)
    sync(calendar, at=AT)
    assert Event.objects.get().canceled_at is None
    assert Delivery.objects.pending().count() == 1


def test_a_calendar_that_is_removed_takes_its_entries_back(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    sync(calendar, at=AT)
    calendar.delete()
    assert withdraw_abandoned(now()) == 1
    assert withdraw_abandoned(now()) == 0


def test_calendars_in_use_and_other_sources_keep_theirs(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single()))
    sync(calendar, at=AT)
    assert withdraw_abandoned(now()) == 0
    assert Event.objects.get().canceled_at is None
