"""A crowd that is due at one instant: its pushes are encrypted ahead, and a death in between harms nothing."""

from datetime import timedelta

import pytest

from common.clock import now
from common.process_ids import read
from eventinvoke.models import Attempt, Prepared
from eventinvoke.sending.prepare import WORTH
from tests.faults.conftest import Scene, takes, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import Starter, WorkerStarter, wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

MANY = WORTH + 50
AHEAD = timedelta(seconds=8)
"""From the planning to the due time."""


def test_a_worker_prepares_ahead_and_another_sends_after_its_death(
    scene: Scene, start_worker: WorkerStarter
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    first = start_worker(beat=True)
    with Watch():
        scene.publish(now() + AHEAD)
        wait_until(
            lambda: Prepared.objects.count() == MANY, seconds=AHEAD.total_seconds(), what="what is prepared"
        )
        ready = dict(Prepared.objects.values_list("attempt_id", "body"))
        assert service.taken == []
        first.kill()
        start_worker(beat=True)
        wait_until_settled(MANY)
    assert takes(service) == {one.endpoint: 1 for one in browsers}
    for taken in service.taken:
        assert bytes(ready[read(taken.payload["process_id"])])[16:] == taken.body
    assert set(Attempt.objects.values_list("pk", flat=True)) == set(ready)
    assert not Prepared.objects.exists()


def test_the_command_prepares_ahead_too(scene: Scene, start_process: Starter) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    start_process("manage", "eventinvoke", "--forever")
    with Watch():
        began = now()
        scene.publish(now() + AHEAD)
        wait_until(
            lambda: Prepared.objects.count() == MANY, seconds=AHEAD.total_seconds(), what="what is prepared"
        )
        assert service.taken == []
        wait_until_settled(MANY)
    assert takes(service) == {one.endpoint: 1 for one in browsers}
    assert Attempt.objects.filter(started_at__gt=began).count() == MANY
    assert not Prepared.objects.exists()
