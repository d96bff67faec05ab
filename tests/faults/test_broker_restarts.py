"""The broker crashes and comes back in the middle of a batch."""

import time

import pytest

from eventinvoke.models import Attempt
from tests.faults.conftest import Scene, once, takes, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import WorkerStarter, wait_until
from tests.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True), once]

MANY = 300
SOME = 60
OFTEN = 12
"""With pauses that grow, so many tries take minutes."""
LATEST = 5.0
"""In seconds, on a machine that does other work too; it is 1 to 2."""


def test_workers_and_the_beat_come_back_by_themselves(
    scene: Scene, start_worker: WorkerStarter, redis_server: Redis
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    scene.environment |= {"NOTICE_BATCH_SIZE": "40", "NOTICE_LEASE_SECONDS": "30"}
    worker = start_worker(beat=True, pool="prefork", threads=2)
    with Watch():
        scene.publish()
        wait_until(lambda: len(service.taken) >= SOME, what="the middle of the batch")
        redis_server.kill()
        wait_until(lambda: "Connection refused" in worker.output, what="the loss of the broker")
        redis_server.start()
        wait_until_settled(MANY)
        # What was being sent needed no broker, so nothing had to be sent again.
        assert takes(service) == {one.endpoint: 1 for one in browsers}
        scene.publish(external_id="2")
        wait_until_settled(2 * MANY)
    assert worker.popen.poll() is None
    assert Attempt.objects.count() == 2 * MANY


def test_after_a_long_outage_they_are_back_within_seconds(
    scene: Scene, start_worker: WorkerStarter, redis_server: Redis
) -> None:
    service = scene.push_service()
    scene.browsers(service, 1)
    worker = start_worker(beat=True, queues="fire,urgent")
    redis_server.kill()
    wait_until(lambda: worker.output.count("Cannot connect to") >= OFTEN, seconds=60, what="a long outage")
    scene.publish()
    redis_server.start()
    began = time.monotonic()
    wait_until(lambda: service.taken, what="the push")
    assert time.monotonic() - began < LATEST
