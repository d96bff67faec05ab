"""Machines whose clocks differ, or are set: every notice is sent in time, once."""

import http.client
from collections import Counter
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from common.broker import WAKE_UPS, waiting
from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery, Heartbeat
from pfs_notice.beat import SteadyScheduler
from pfs_notice.celery import app
from tests.faults.conftest import Scene, once, wait_until_settled
from tests.fixtures.machine_clock import MakeMachineClock
from tests.fixtures.processes import Process, Starter, WorkerStarter, wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

NUMBER = "+4915100000001"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def shared_clock() -> None:
    """Skip where the database has no clock that machines could share."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no clock of its own: it is used by one machine")


def start_beat(start_process: Starter, tmp_path: Path, **environment: str) -> Process:
    beat = start_process(
        *("celery", "-A", "pfs_notice", "beat", "--pidfile=", "-s", str(tmp_path / "beat"), "-l", "INFO"),
        **environment,
    )
    beat.wait_for(lambda: "maxinterval" in beat.output)
    return beat


def lateness() -> list[float]:
    rows = Delivery.objects.filter(state=State.SENT).values_list("sent_at", "due_at")
    return sorted((sent_at - due_at).total_seconds() for sent_at, due_at in rows if sent_at is not None)


@once  # the beat knows no database
@pytest.mark.parametrize("ahead", [-2, 2, -30])
def test_a_beat_whose_clock_differs_from_the_workers_wakes_them(
    scene: Scene,
    start_worker: WorkerStarter,
    start_process: Starter,
    make_machine_clock: MakeMachineClock,
    tmp_path: Path,
    ahead: int,
) -> None:
    service = scene.push_service()
    scene.browsers(service, 3)
    start_worker()
    start_beat(start_process, tmp_path, **make_machine_clock(timedelta(seconds=ahead)).environment)
    for number in range(3):
        scene.publish(now() + (number + 1) * 0.7 * SECOND, external_id=str(number))
    wait_until_settled(9)
    assert len(service.taken) == 9
    assert lateness()[-1] < 1.5


@pytest.mark.usefixtures("shared_clock")
def test_a_call_whose_answer_a_sender_with_a_fast_clock_lost_rings_once(
    scene: Scene, start_worker: WorkerStarter, start_process: Starter, make_machine_clock: MakeMachineClock
) -> None:
    scene.twilio.behave(NUMBER, answers="wait")
    scene.twilio.break_next("create-call", "accept-then-drop", number=NUMBER)
    scene.numbers("voice", NUMBER)
    scene.publish()
    fast = make_machine_clock(5 * SECOND)
    sender = start_process("manage", "eventinvoke", "--once", **fast.environment)
    assert sender.popen.wait(30) == 0, sender.output
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["unknown"]
    assert "s off the database's" in sender.output
    start_worker(beat=True)
    wait_until_settled(1)
    creations = [one.get("To") for one in scene.twilio.requests if one.operation == "create-call"]
    assert (creations, len(scene.twilio.calls(NUMBER))) == ([NUMBER], 1)


@pytest.mark.usefixtures("shared_clock")
def test_a_machine_whose_clock_is_set_two_days_ahead_and_back_goes_on(
    scene: Scene,
    start_worker: WorkerStarter,
    start_process: Starter,
    make_machine_clock: MakeMachineClock,
    tmp_path: Path,
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, 2)
    machine = make_machine_clock(timedelta(0))
    start_worker(PYTHONPATH=machine.environment["PYTHONPATH"], TEST_CLOCK=machine.environment["TEST_CLOCK"])
    start_beat(start_process, tmp_path, **machine.environment)
    tomorrow = now() + DAY
    scene.publish(tomorrow, external_id="tomorrow")
    for step, ahead in enumerate((2 * DAY, timedelta(0), -2 * DAY, timedelta(0))):
        machine.set_off(ahead)
        scene.publish(now() + 2 * SECOND, external_id=f"soon {step}")
        wait_until_settled(2 * (step + 1), event__external_id__startswith="soon")
    states = Counter(Delivery.objects.values_list("event__external_id", "state"))
    expected = {(f"soon {step}", State.SENT): 2 for step in range(4)} | {("tomorrow", State.PENDING): 2}
    assert states == expected
    assert Counter(taken.subscription.endpoint for taken in service.taken) == {
        one.endpoint: 4 for one in browsers
    }
    late = lateness()
    assert -0.05 < late[0] <= late[-1] < 1.5


@pytest.mark.usefixtures("shared_clock")
def test_a_clock_that_is_far_off_is_reported(
    scene: Scene, start_process: Starter, make_machine_clock: MakeMachineClock, live_web: str
) -> None:
    slow = make_machine_clock(-7 * SECOND)
    process = start_process("manage", "eventinvoke", "--once", **slow.environment)
    assert process.popen.wait(30) == 0, process.output
    signs = Heartbeat.objects.filter(topic=Heartbeat.Topic.CLOCK, name__endswith=" manage.py")
    (skew,) = signs.values_list("skew", flat=True)
    assert skew == pytest.approx(-7, abs=0.5)
    check = start_process("manage", "check", "--database", "default")
    check.popen.wait(30)
    assert "pfs_notice.W006" in check.output
    status, text = _get(live_web, "/health")
    assert status == http.HTTPStatus.OK
    assert "differs from the database's by 7 s" in text


def _get(site: str, path: str) -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", urlsplit(site).port or 0, timeout=10)
    try:
        client.request("GET", path, headers={"Host": "localhost"})
        response = client.getresponse()
        return response.status, response.read().decode()
    finally:
        client.close()


@once  # wake-ups wait in the broker
def test_an_hour_of_wake_ups_without_a_worker_is_worked_off_in_seconds(
    scene: Scene, start_worker: WorkerStarter, broker_url: str, tmp_path: Path
) -> None:
    service = scene.push_service()
    scene.browsers(service, 1)
    app.conf.update(broker_url=broker_url)
    scheduler = SteadyScheduler(app, schedule_filename=str(tmp_path / "beat"))
    scene.publish(external_id="overdue")
    entries: dict[str, Any] = scheduler.schedule
    for second in range(3600):
        for entry in entries.values():
            every = getattr(entry.schedule, "run_every", timedelta(days=1))  # a crontab: once a day
            if second % every.total_seconds() == 0:
                scheduler.apply_entry(entry)
    scheduler.close()
    assert waiting("urgent") <= WAKE_UPS
    assert waiting("slow") <= WAKE_UPS
    start_worker(beat=True)
    began_at = monotonic()
    wait_until(lambda: waiting("urgent") + waiting("slow") < 5, what="the end of the backlog")
    wait_until_settled(1)
    scene.publish(now() + SECOND, external_id="next")
    wait_until_settled(2)
    assert monotonic() - began_at < 20
    assert Delivery.objects.get(event__external_id="next").attempts == 1
