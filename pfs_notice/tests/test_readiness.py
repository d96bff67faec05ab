"""/ready: each part, and which of broker, workers and beat is missing."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client

from common.broker import offer
from common.clock import now
from common.queues import Queue
from eventinvoke.models import Heartbeat
from eventinvoke.sending import heartbeats
from eventinvoke.sending.heartbeats import signs
from eventinvoke.sending.rounds import do_round
from eventinvoke.tasks import wake
from pfs_notice import readiness
from pfs_notice.supervisor.stack import WEB_OPTIONS
from tests.fixtures.processes import Starter, WorkerStarter, wait_until
from tests.servers import free_port

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def first_questions() -> None:
    heartbeats._round.reset()
    readiness._asking.reset()


def rounds_ended(seconds: float) -> None:
    Heartbeat.objects.note(Heartbeat.Topic.ROUND, "", now() - seconds * SECOND)


def ask() -> tuple[int, dict[str, str]]:
    answer = Client().get("/ready")
    return answer.status_code, answer.json()["parts"]


@pytest.mark.parametrize("seconds", [0, 9])
def test_all_parts_are_ready_while_rounds_are_done(seconds: float) -> None:
    rounds_ended(seconds)
    assert ask() == (200, dict.fromkeys(("database", "beat", "notices", "clocks"), "ok"))


@pytest.mark.usefixtures("broker_url")
def test_a_beat_that_is_silent_for_ten_seconds_is_missing() -> None:
    rounds_ended(11)
    status, parts = ask()
    assert (status, parts["database"]) == (503, "ok")
    assert (
        parts["beat"]
        == "Nothing was woken up for 11 s, and no task waits: start the beat (celery -A pfs_notice beat)."
    )


@pytest.mark.usefixtures("broker_url")
def test_without_any_round_ever_the_beat_is_missing() -> None:
    status, parts = ask()
    assert status == 503
    assert "in the last day" in parts["beat"]


@pytest.mark.usefixtures("broker_url")
def test_tasks_that_no_worker_takes_say_that_workers_are_missing() -> None:
    rounds_ended(30)
    offer(wake, queue=str(Queue.URGENT), times=3)
    status, parts = ask()
    assert status == 503
    assert parts["workers"].startswith("3 tasks wait in the queue 'urgent'")
    assert "beat" not in parts


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{free_port()}/0")
    rounds_ended(30)
    status, parts = ask()
    assert status == 503
    assert parts["broker"].startswith("The broker does not answer.")


def test_a_clock_that_is_off_is_said_and_stops_nothing() -> None:
    rounds_ended(0)
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "worker-1.example worker fire", now(), 7.4)
    status, parts = ask()
    assert (status, "by 7 s" in parts["clocks"], "example" in str(parts)) == (200, True, False)


class _NoHands:
    def send(self, kind: str, batches: int) -> None:
        raise AssertionError(kind)

    def plan(self) -> None:
        raise AssertionError

    def prepare(self, kind: str) -> None:
        raise AssertionError(kind)

    def wait_until(self, instant: Any) -> bool:
        return False


def test_a_round_is_what_counts() -> None:
    do_round(_NoHands())
    assert ask()[0] == 200


@pytest.mark.django_db(transaction=True)
def test_a_worker_with_no_task_at_all_gives_a_sign_of_life(start_worker: WorkerStarter) -> None:
    start_worker(queues="slow")
    wait_until(lambda: [one.program for one in signs()] == ["worker slow"], what="a sign of life")


@pytest.mark.django_db(transaction=True)
def test_ready_follows_a_real_beat(
    start_worker: WorkerStarter, start_process: Starter, broker_url: str
) -> None:
    worker = start_worker(beat=True)
    wait_until(lambda: ask()[0] == 200, what="a round")
    worker.kill()
    wait_until(lambda: "workers" in ask()[1], what="silence")


@pytest.mark.django_db(transaction=True)
def test_a_web_server_that_has_never_seen_its_database_says_so(
    start_process: Starter, process_environment: dict[str, str], public_url: str
) -> None:
    process_environment["DATABASE_URL"] = f"postgresql://x@127.0.0.1:{free_port()}/x"
    port = public_url.rpartition(":")[2]
    web = start_process(
        *("granian", "--host", "127.0.0.1", "--port", port, "--workers", "1", *WEB_OPTIONS),
        "pfs_notice.edge:application",
    )
    web.wait_for(lambda: status_of(f"{public_url}/health/web") == 200)
    assert [status_of(f"{public_url}/{path}") for path in ("health", "ready", "metrics")] == [503] * 3


def status_of(url: str) -> int:
    try:
        return requests.get(url, timeout=10).status_code
    except requests.ConnectionError:
        return 0
