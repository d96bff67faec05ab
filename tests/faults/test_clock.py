"""The clocks change: nothing is told twice, too early, too late or not at all."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.loops import run_once
from eventinvoke.sending.wake import due_soon
from registration.models import Member
from tests.faults.conftest import Scene, once

pytestmark = [pytest.mark.django_db(transaction=True), once]

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
"""02:00 becomes 03:00 in Berlin."""
AUTUMN = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
"""03:00 becomes 02:00 in Berlin."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(params=[SPRING, AUTUMN], ids=["spring", "autumn"])
def change(request: pytest.FixtureRequest) -> datetime:
    """The instant at which the clocks change."""
    instant: datetime = request.param
    return instant


def set_member(scene: Scene, **changes: object) -> None:
    Member.objects.filter(pk=scene.member.pk).update(time_zone="Europe/Berlin", **changes)


def state_of(event: str) -> str:
    return Delivery.objects.get(event__external_id=event).state


def tell(scene: Scene, instant: datetime) -> str:
    """Publish an event that is due at an instant, send what is due then, and return what became of it."""
    with time_machine.travel(instant, tick=False):
        scene.publish(instant, external_id=f"{instant:%d %H:%M:%S}")
        fire("webpush")
    return state_of(f"{instant:%d %H:%M:%S}")


def test_a_loop_of_wake_ups_over_the_change_tells_each_notice_once_at_its_time(
    scene: Scene, change: datetime
) -> None:
    set_member(scene)
    scene.step("inbox", "inbox", timedelta(0))
    with time_machine.travel(change - 10 * MINUTE, tick=False):
        for offset in range(-30, 31, 5):
            scene.publish(change + offset * SECOND, external_id=str(offset))
    with time_machine.travel(change - MINUTE, tick=False) as traveller:
        tried = 0
        for _ in range(120):
            is_due = bool([one for one in due_soon() if one.at <= datetime.now(UTC)])
            count = run_once()
            assert bool(count) == is_due
            tried += count
            traveller.shift(SECOND)
    rows = list(Delivery.objects.all())
    assert tried == len(rows) == 13
    assert all(row.attempts == 1 and row.sent_at == row.due_at for row in rows)


def test_a_lead_time_over_the_change_is_time_that_really_passes(scene: Scene, change: datetime) -> None:
    set_member(scene)
    scene.step("inbox", "inbox", -4 * HOUR)
    # Four hours before 04:00 by the clock on the wall are 23:00 or 01:00, as an hour is missing or twice.
    start = datetime.combine(change.astimezone(BERLIN).date(), time(4, 0), BERLIN)
    with time_machine.travel(change - timedelta(days=3), tick=False):
        scene.publish(start)
    due_at = Delivery.objects.get().due_at
    assert start.astimezone(UTC) - due_at == 4 * HOUR
    assert due_at.astimezone(BERLIN).time() == (time(23, 0) if change == SPRING else time(1, 0))


def test_quiet_hours_end_by_the_member_s_clock_on_the_day_of_the_change(
    scene: Scene, change: datetime
) -> None:
    set_member(scene, quiet_from=time(22, 0), quiet_until=time(7, 0))
    scene.browsers(scene.push_service(), 1)
    end = datetime.combine(change.astimezone(BERLIN).date(), time(7, 0), BERLIN).astimezone(UTC)
    assert end.hour == (5 if change == SPRING else 6)
    assert tell(scene, end - SECOND) == State.SUPPRESSED
    assert tell(scene, end) == State.SENT


def test_quiet_hours_that_come_twice_are_quiet_twice(scene: Scene) -> None:
    set_member(scene, quiet_from=time(2, 30), quiet_until=time(3, 0))
    scene.browsers(scene.push_service(), 1)
    assert tell(scene, AUTUMN - 31 * MINUTE) == State.SENT
    assert tell(scene, AUTUMN - 30 * MINUTE) == State.SUPPRESSED
    assert tell(scene, AUTUMN) == State.SENT
    assert tell(scene, AUTUMN + 30 * MINUTE) == State.SUPPRESSED
    assert tell(scene, AUTUMN + HOUR) == State.SENT


def test_a_day_of_23_or_25_hours_has_one_daily_limit(scene: Scene, change: datetime) -> None:
    set_member(scene, daily_cap=1, critical_reserve=0)
    scene.browsers(scene.push_service(), 1)
    date = change.astimezone(BERLIN).date()
    begin = datetime.combine(date, time(0, 0), BERLIN).astimezone(UTC)
    end = datetime.combine(date + timedelta(days=1), time(0, 0), BERLIN).astimezone(UTC)
    assert end - begin == (23 * HOUR if change == SPRING else 25 * HOUR)
    assert tell(scene, begin - SECOND) == State.SENT
    assert tell(scene, begin) == State.SENT
    assert tell(scene, end - SECOND) == State.SUPPRESSED
    assert tell(scene, end) == State.SENT
