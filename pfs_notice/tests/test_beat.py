"""The beat goes on when the machine's clock is set, and does not fill a queue."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import redis
import time_machine

from common.broker import SENDERS, WAKE_UPS, offer, waiting
from eventinvoke.tasks import wake
from pfs_notice.beat import SteadyScheduler
from pfs_notice.celery import app

TWO_DAYS = timedelta(days=2)


QUEUES = ("urgent", "slow", "calendars")


@pytest.fixture
def broker(broker_url: str) -> Iterator[Any]:
    app.conf.update(broker_url=broker_url)
    with redis.from_url(broker_url) as client:
        yield client


def make(tmp_path: Path) -> SteadyScheduler:
    return SteadyScheduler(app, schedule_filename=str(tmp_path / "beat"))


def run(scheduler: SteadyScheduler, client: Any, wake_ups: int) -> float:
    """Let the beat go on until it has sent so many wake-ups more; return the seconds that it took."""
    wanted = client.llen("urgent") + wake_ups
    began_at = monotonic()
    while client.llen("urgent") < wanted:
        assert monotonic() < began_at + 20, "the beat stands still"
        scheduler.tick()
    return monotonic() - began_at


def test_a_beat_whose_clock_is_set_ahead_and_back_goes_on(broker: Any, tmp_path: Path) -> None:
    scheduler = make(tmp_path)
    run(scheduler, broker, 1)
    with time_machine.travel(datetime.now(UTC)) as traveller:
        for step in (timedelta(0), TWO_DAYS, -2 * TWO_DAYS, TWO_DAYS):
            traveller.shift(step)
            assert run(scheduler, broker, 5) > 1.5, "it sends one a second, and two more in five"
    scheduler.close()


def test_what_an_earlier_beat_stored_of_the_future_delays_nothing(broker: Any, tmp_path: Path) -> None:
    first = make(tmp_path)
    for entry in first.schedule.values():
        entry.last_run_at = datetime.now(UTC) + TWO_DAYS
    first.close()
    second = make(tmp_path)
    run(second, broker, 2)
    second.close()


def test_no_message_carries_a_time(broker: Any, tmp_path: Path) -> None:
    scheduler = make(tmp_path)
    for entry in scheduler.schedule.values():
        scheduler.apply_entry(entry)
    scheduler.close()
    offer(wake, queue="urgent")
    messages = [json.loads(text) for queue in QUEUES for text in broker.lrange(queue, 0, -1)]
    assert len(messages) == len(app.conf.beat_schedule) + 1
    for message in messages:
        assert (message["headers"]["expires"], message["headers"]["eta"]) == (None, None)


def test_a_queue_is_filled_to_its_bound_and_senders_leave_room_for_wake_ups(
    broker: Any, tmp_path: Path
) -> None:
    assert waiting("urgent") == 0
    assert offer(wake, queue="urgent", times=3) == 3
    assert offer(wake, queue="urgent", times=SENDERS) == SENDERS - 3
    assert offer(wake, queue="urgent") == 0
    scheduler = make(tmp_path)
    for _ in range(WAKE_UPS):
        scheduler.apply_entry(scheduler.schedule["wake"])
    scheduler.close()
    assert waiting("urgent") == WAKE_UPS == broker.llen("urgent")
