"""Without Celery: ``manage.py eventinvoke`` from cron and for ever."""

import re

import pytest

from common.states import State
from eventinvoke.models import Attempt, Delivery
from tests.contracts.providers import Answer
from tests.faults.conftest import Scene, takes, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import Starter, wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

MANY = 240


def test_two_at_once_from_cron_tell_no_member_twice(scene: Scene, start_process: Starter) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, MANY)
    scene.publish()
    with Watch():
        environment = {"NOTICE_BATCH_SIZE": "20", "NOTICE_LEASE_SECONDS": "30"}
        both = [start_process("manage", "eventinvoke", "--once", **environment) for _ in range(2)]
        assert [one.popen.wait(30) for one in both] == [0, 0], both[0].output + both[1].output
    tried = [int(re.findall(r"(\d+) notices were tried", one.output)[0]) for one in both]
    assert sum(tried) == MANY == Attempt.objects.count()
    assert takes(service) == {one.endpoint: 1 for one in browsers}
    assert Delivery.objects.filter(state=State.SENT).count() == MANY


def test_one_that_is_killed_is_followed_by_one_that_takes_up_its_work(
    scene: Scene, start_process: Starter
) -> None:
    service = scene.push_service()
    browsers = scene.browsers(service, 5)
    service.answer(Answer.HOLD)
    with Watch():
        scene.publish()
        first = start_process("manage", "eventinvoke", "--forever")
        wait_until(lambda: service.taken, what="the first push")
        first.kill()
        service.release()
        start_process("manage", "eventinvoke", "--forever")
        wait_until_settled(5)
    counts = takes(service)
    assert set(counts) == {one.endpoint for one in browsers}
    assert max(counts.values()) == 2
