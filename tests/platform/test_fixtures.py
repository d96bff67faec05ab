import socket
from typing import TYPE_CHECKING

import pytest
import redis
from django.contrib.auth import get_user_model

from pfs_notice.celery import app
from tests.fixtures.processes import Process, Starter, wait_until
from tests.fixtures.sockets import OutsideError
from tests.servers import Mosquitto, PostgreSQL, Redis

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_another_machine_can_not_be_reached() -> None:
    with socket.socket() as sock, pytest.raises(OutsideError):
        sock.connect(("192.0.2.1", 80))


def test_the_broker_keeps_its_data_over_a_crash(redis_server: Redis) -> None:
    with redis.Redis(port=redis_server.port) as client:
        client.set("key", "value")
        redis_server.kill()
        redis_server.start()
        assert client.get("key") == b"value"


def test_the_broker_is_empty_at_the_beginning_of_a_test(redis_server: Redis) -> None:
    with redis.Redis(port=redis_server.port) as client:
        assert client.dbsize() == 0


def test_mosquitto_answers(mosquitto: Mosquitto) -> None:
    assert mosquitto.is_ready()


def test_a_second_postgresql_can_be_restarted(postgresql_server: PostgreSQL) -> None:
    postgresql_server.restart()
    assert postgresql_server.is_ready()


@pytest.mark.django_db(transaction=True)
def test_a_process_sees_the_rows_of_the_test(start_process: Starter) -> None:
    get_user_model().objects.create_user("ann")
    script = (
        "from django.contrib.auth import get_user_model as g; print([u.username for u in g().objects.all()])"
    )
    process = start_process("manage", "shell", "-v", "0", "-c", script)
    process.popen.wait(30)
    assert "['ann']" in process.output


@pytest.mark.django_db(transaction=True)
def test_a_worker_takes_tasks_of_the_test(celery_worker_process: Process) -> None:
    app.send_task("no.such.task")
    wait_until(lambda: "no.such.task" in celery_worker_process.output, what="the task's arrival")


@pytest.mark.django_db(transaction=True)
def test_the_browser_reads_a_page_of_the_live_web(live_web: str, browser_page: "Page") -> None:
    browser_page.goto(f"{live_web}/health")
    assert browser_page.inner_text("body").strip() == "ok"
