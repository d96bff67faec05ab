"""Several beats, and several workers: more of them do no harm."""

from collections import Counter
from pathlib import Path

import pytest
import redis
from django.conf import settings

from common.clock import now
from eventinvoke.models import Attempt
from tests.faults.conftest import Scene, takes, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import Starter, WorkerStarter, wait_until
from tests.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True)]

MANY = 200
BEATS = 3
ENVIRONMENT = {"NOTICE_BATCH_SIZE": "20", "NOTICE_LEASE_SECONDS": "30"}
"""Leases that last: no worker dies with claimed work here, so nothing may come twice on any machine."""
BACKLOG = 12
"""Wake-ups that are left lying while no worker runs: enough to see whether they are all carried out."""


def waiting(server: Redis) -> int:
    """How many tasks wait in the broker."""
    with redis.Redis(port=server.port) as client:
        return sum(client.llen(queue.name) for queue in settings.CELERY_TASK_QUEUES)


def test_several_beats_and_workers_tell_no_member_twice_and_leave_no_backlog(
    scene: Scene,
    start_worker: WorkerStarter,
    start_process: Starter,
    redis_server: Redis,
    tmp_path: Path,
) -> None:
    scene.environment |= ENVIRONMENT
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    first = start_worker(beat=True)
    for number in range(1, BEATS):
        schedule = str(tmp_path / f"another-{number}")
        start_process("celery", "-A", "pfs_notice", "beat", "--pidfile=", "-s", schedule)
    second = start_worker(pool="prefork", threads=2)
    with Watch():
        scene.publish()
        wait_until_settled(MANY)
        assert takes(service) == {one.endpoint: 1 for one in browsers}
        assert Attempt.objects.count() == MANY
        # No worker runs for a while, but the beats go on.
        first.kill()
        second.kill()
        wait_until(lambda: waiting(redis_server) >= BACKLOG, what="a backlog")
        scene.publish(external_id="2")
        began = now()
        start_worker()
        wait_until_settled(2 * MANY)
        wait_until(lambda: waiting(redis_server) <= BEATS, seconds=10, what="the end of the backlog")
    assert Counter(one.subscription.endpoint for one in service.taken) == {
        one.endpoint: 2 for one in browsers
    }
    assert Attempt.objects.filter(started_at__gte=began).count() == MANY
