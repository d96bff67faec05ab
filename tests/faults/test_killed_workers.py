"""A worker that dies before a provider has its request, while it has it, and after it has answered."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction

from eventinvoke.models import Attempt, Delivery
from tests.contracts.providers import Answer
from tests.faults.conftest import Scene, takes, wait_until_settled
from tests.faults.gate import Gate
from tests.faults.watch import Watch
from tests.fixtures.processes import WorkerStarter, wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

BEFORE, DURING, AFTER = "+4915100000001", "+4915100000002", "+4915100000003"
ANSWERED_LATE = 30.0
ANSWERED_SOON = 3.5
"""Real seconds; in between the test takes hold of the rows that the answer is to be recorded in."""


def break_creations(scene: Scene) -> None:
    """Let the provider lose one request, answer one after the worker's death, and one before it."""
    for operation in ("create-call", "create-message"):
        scene.twilio.break_next(operation, "never", number=BEFORE)
        scene.twilio.break_next(operation, "slow", number=DURING, seconds=ANSWERED_LATE)
        scene.twilio.break_next(operation, "slow", number=AFTER, seconds=ANSWERED_SOON)


def creations(scene: Scene) -> Counter[tuple[str, str]]:
    """How many requests to create something came, by number."""
    asked = [one for one in scene.twilio.requests if one.operation.startswith("create-")]
    return Counter((one.operation, one.get("To")) for one in asked)


def has_answered(scene: Scene) -> bool:
    """Whether the answers that come soon have been given."""
    answers = [one.status for one in scene.twilio.requests if one.get("To") == AFTER]
    return len(answers) == 2 and None not in answers


def test_a_killed_worker_loses_nothing_and_no_phone_rings_twice(
    scene: Scene, start_worker: WorkerStarter
) -> None:
    scene.twilio.behave(answers="busy")
    holding, answering = scene.push_service(), scene.push_service()
    with Gate(answering.origin) as gate:
        scene.browsers(answering, 1, origin=gate.origin)
        (during,) = scene.browsers(holding, 1)
        (after,) = scene.browsers(answering, 1)
        scene.numbers("voice", BEFORE, DURING, AFTER)
        scene.numbers("sms", BEFORE, DURING, AFTER)
        scene.step("inbox", "inbox", timedelta(hours=1))
        worker = start_worker(pool="prefork", threads=4, beat=True)
        holding.answer(Answer.HOLD)
        answering.answer(Answer.HOLD)
        break_creations(scene)
        with Watch():
            scene.publish()
            wait_until(lambda: gate.waiting and holding.taken and answering.taken, what="three pushes")
            wait_until(lambda: len(creations(scene)) == 6, what="three calls and three texts")
            with transaction.atomic():
                # Until the worker is dead it can't write down what it was answered.
                list(Delivery.objects.select_for_update())
                answering.release()
                wait_until(lambda: answering.answered and has_answered(scene), what="the answers")
                worker.kill()
            assert set(Attempt.objects.values_list("outcome", flat=True)) == {""}
            assert {call.to for call in scene.twilio.calls()} == {DURING, AFTER}
            gate.open()
            holding.release()
            start_worker(pool="prefork", threads=4)
            wait_until_settled(9, kind__in=["webpush", "voice", "sms"])
            # A line that was busy: the member is told, whether a callback or a worker's question found it out.
            wait_until_settled(1, kind="inbox")
    counts = takes(answering) + takes(holding)
    assert (counts[during.endpoint], counts[after.endpoint]) == (2, 2)
    assert (len(counts), counts.total()) == (3, 5)
    assert Counter(call.to for call in scene.twilio.calls()) == dict.fromkeys((BEFORE, DURING, AFTER), 1)
    assert Counter(text.to for text in scene.twilio.messages()) == dict.fromkeys((BEFORE, DURING, AFTER), 1)
    # The one that was lost on the way was asked for twice, the others once.
    assert sorted(creations(scene).values()) == [1, 1, 1, 1, 2, 2]
