"""Providers that time out after accepting, limit us, fail, answer nonsense, or never answer."""

import socket
import threading
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from common.states import State
from eventinvoke.models import Attempt, Delivery
from registration.models import Target
from registration.models.targets import fingerprint
from tests.contracts.providers import RETRY_AFTER, Answer
from tests.faults.conftest import Scene, once, takes, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import WorkerStarter, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), once]

LIMITED = 6
"""Seconds in Twilio's Retry-After."""
FAULTS: dict[str, str | int] = {
    "+4915100000001": "accept-then-never",
    "+4915100000002": "accept-then-drop",
    "+4915100000003": "accept-then-garbage",
    "+4915100000004": "never",
    "+4915100000005": "drop",
    "+4915100000006": "garbage",
    "+4915100000007": 500,
    "+4915100000008": 429,
}


def pauses(kind: str, address: str) -> list[timedelta]:
    """How long it was from each try to the next."""
    rows = Attempt.objects.filter(delivery__kind=kind, delivery__target__fingerprint=fingerprint(address))
    begun = list(rows.order_by("number").values_list("started_at", flat=True))
    return [later - earlier for earlier, later in pairwise(begun)]


def check_that_no_call_carries_its_text(scene: Scene) -> None:
    """What a call says is fetched from us, with a signed id, by the provider only."""
    for call in scene.twilio.requests:
        if call.operation == "create-call":
            assert "telecon" not in str(call.parameters)
            urls = [value for name, value in call.parameters if value.startswith("http")]
            assert len(urls) >= 3
            assert all(url.startswith(scene.environment["NOTICE_PUBLIC_URL"]) for url in urls)


def test_with_any_fault_of_a_provider_nothing_is_lost_and_no_phone_rings_twice(
    scene: Scene, start_worker: WorkerStarter
) -> None:
    is_over = threading.Event()

    def be_silent(_connection: socket.socket) -> None:
        is_over.wait(60)

    limiting, failing, babbling, vanishing, silent = (scene.push_service() for _ in range(5))
    browsers = {one: scene.browsers(one, 1)[0] for one in (limiting, failing, babbling, vanishing, silent)}
    limiting.answer(Answer.LIMIT)
    failing.answer(Answer.FAIL)
    babbling.answer(Answer.GARBAGE)
    vanishing.answer(Answer.VANISH)
    silent.answer(be_silent)
    scene.numbers("voice", *FAULTS)
    scene.numbers("sms", *FAULTS)
    for number, fault in FAULTS.items():
        details = {"retry_after": LIMITED} if fault == 429 else {}
        for operation in ("create-call", "create-message"):
            scene.twilio.break_next(operation, fault, number=number, **details)
    start_worker(beat=True, threads=8, NOTICE_LEASE_SECONDS="20")
    try:
        with Watch():
            scene.publish()
            # Each is well again before the next try, but for the one that fails a second time.
            wait_until(lambda: babbling.taken and vanishing.taken and silent.taken, what="three pushes")
            for service in (babbling, vanishing, silent):
                service.release()
            wait_until(lambda: limiting.answered, what="a refusal")
            limiting.release()
            wait_until(lambda: failing.answered >= 2, what="a second try after a failure")
            failing.release()
            wait_until_settled(2 * len(FAULTS) + len(browsers))
            # A call of which we learned by asking ends as one whose report came.
            calls = Delivery.objects.filter(kind="voice")
            wait_until(
                lambda: calls.filter(state=State.UNDELIVERED).count() == len(FAULTS), what="each call's end"
            )
    finally:
        is_over.set()
    assert Counter(call.to for call in scene.twilio.calls()) == dict.fromkeys(FAULTS, 1)
    assert Counter(text.to for text in scene.twilio.messages()) == dict.fromkeys(FAULTS, 1)
    limited = next(number for number, fault in FAULTS.items() if fault == 429)
    for kind in ("voice", "sms"):
        assert min(pauses(kind, limited)) >= timedelta(seconds=LIMITED)
    assert min(pauses("webpush", browsers[limiting].endpoint)) >= RETRY_AFTER
    check_that_no_call_carries_its_text(scene)
    # What was taken and not confirmed comes once more under the same tag; what was refused does not.
    assert [takes(one).total() for one in browsers] == [1, 1, 2, 2, 2]
    assert set(Delivery.objects.filter(kind="webpush").values_list("state", flat=True)) == {State.SENT}
    assert not Target.objects.exclude(disabled_at=None).exists()
