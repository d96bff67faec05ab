"""The database crashes and comes back in the middle of a batch.

On a server of the test's own, of the kind that the other tests run on; SQLite has none that could crash.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

from common.states import State
from eventinvoke.models import Delivery
from tests.faults.conftest import Scene, takes
from tests.faults.watch import Watch
from tests.fixtures.processes import Process, Starter, WorkerStarter, wait_until
from tests.fixtures.servers import missing
from tests.push_service import PushService, Subscription
from tests.servers import DATABASES, MariaDB, Missing, MySQL, PostgreSQL

KIND = os.environ.get("TEST_DATABASE", "sqlite")
MANY = 300
SOME = 60
Database = PostgreSQL | MariaDB | MySQL
ENVIRONMENT = {"NOTICE_BATCH_SIZE": "40", "NOTICE_LEASE_SECONDS": "10"}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(KIND == "sqlite", reason="SQLite has no server that could be restarted"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    """A database server with our tables."""
    made = DATABASES[KIND](is_durable=True)
    try:
        with made:
            if not isinstance(made, PostgreSQL):
                with pymysql.connect(host="127.0.0.1", port=made.port, user="root") as client:
                    client.cursor().execute("CREATE DATABASE notice COLLATE utf8mb4_bin")
            environment = os.environ | {"DATABASE_URL": made.url}
            subprocess.run([sys.executable, "-m", "manage", "migrate", "-v0"], env=environment, check=True)
            yield made
    except Missing as error:
        missing(str(error))


@pytest.fixture(autouse=True)
def apart(server: Database, process_environment: dict[str, str]) -> Iterator[None]:
    """Use that server in place of the tests' own, in all threads and processes of the test."""
    url = urlsplit(server.url)
    usual, usual_settings = connections["default"], connections.settings["default"]
    place = {"HOST": url.hostname, "PORT": url.port, "NAME": url.path[1:], "USER": url.username}
    connections.settings["default"] = usual_settings | place | {"PASSWORD": ""}
    del connections["default"]
    process_environment["DATABASE_URL"] = server.url
    yield
    call_command("flush", interactive=False, verbosity=0)
    connections["default"].close()
    connections["default"] = usual
    connections.settings["default"] = usual_settings


def crash(server: Database, has_noticed: Callable[[], Any]) -> None:
    """Kill the server, wait until a process has noticed it, and start it again."""
    server.kill()
    connections["default"].close()
    wait_until(has_noticed, what="a process that notices that the database is away")

    def start() -> bool:
        # What the dead server has left behind may have to go first.
        with contextlib.suppress(RuntimeError):
            server.start()
            return True
        return False

    wait_until(start, seconds=60, what="the restart of the database")


def wait_until_sent(count: int) -> None:
    def look() -> bool:
        try:
            return Delivery.objects.filter(state=State.SENT).count() == count
        except OperationalError:
            connections["default"].close()
            return False

    wait_until(look, seconds=60, what=f"{count} pushes that were sent")


def check(scene: Scene, service: PushService, browsers: list[Subscription], process: Process) -> None:
    """All were told, hardly any of them twice; and who told them goes on doing it."""
    counts = takes(service)
    assert set(counts) == {one.endpoint for one in browsers}
    assert max(counts.values()) <= 2
    scene.publish(external_id="2")
    wait_until_sent(2 * MANY)
    assert process.popen.poll() is None


def test_celery_s_workers_come_back_by_themselves(
    scene: Scene, start_worker: WorkerStarter, server: Database
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    worker = start_worker(beat=True, pool="prefork", threads=2, **ENVIRONMENT)
    with Watch():
        scene.publish()
        wait_until(lambda: len(service.taken) >= SOME, what="the middle of the batch")
        crash(server, lambda: "OperationalError" in worker.output or "for the database" in worker.output)
        wait_until_sent(MANY)
        check(scene, service, browsers, worker)


def test_a_process_without_celery_comes_back_by_itself(
    scene: Scene, start_process: Starter, server: Database
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    process = start_process("manage", "eventinvoke", "--forever", **ENVIRONMENT)
    with Watch():
        scene.publish()
        wait_until(lambda: len(service.taken) >= SOME, what="the middle of the batch")
        crash(server, lambda: "the database is away" in process.output)
        wait_until_sent(MANY)
        check(scene, service, browsers, process)
