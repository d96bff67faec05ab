"""Calls that wait in the provider's queue while their event is canceled or moves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.planning.publish import withdraw
from tests.faults.conftest import SOURCE, Scene, once, wait_until_settled
from tests.faults.watch import Watch
from tests.fixtures.processes import Starter, wait_until
from tests.provider_process import ProviderProcess
from tests.simulated_twilio import SimulatedTwilio

pytestmark = [pytest.mark.django_db(transaction=True), once]

NUMBERS = ("+4915100000001", "+4915100000002", "+4915100000003")


@pytest.fixture
def simulated_twilio() -> Iterator[SimulatedTwilio]:
    """A provider on which time passes as it really does, and that dials a call every five seconds."""
    process = ProviderProcess(SIMULATOR_TIME_SCALE="1", SIMULATOR_CALLS_PER_SECOND="0.2")
    yield SimulatedTwilio(process.url, process.account_sid, process.auth_token)
    process.stop()


def statuses(scene: Scene, event: str) -> list[str]:
    """How the provider has the calls about an event."""
    sids = set(
        Attempt.objects.filter(delivery__event__external_id=event).values_list("provider_id", flat=True)
    )
    return [call.status for call in scene.twilio.calls() if call.sid in sids]


def test_calls_that_are_not_answered_yet_are_taken_back_when_their_event_is_canceled_or_moves(
    scene: Scene, start_process: Starter
) -> None:
    scene.numbers("voice", *NUMBERS)
    start_process("manage", "eventinvoke", "--forever", NOTICE_REPORT_SECONDS="60")
    with Watch():
        scene.publish(external_id="kept")
        scene.publish(external_id="canceled")
        scene.publish(external_id="moved")
        wait_until_settled(9, seconds=20, state=State.SENT)
        assert "queued" in statuses(scene, "canceled")
        assert "queued" in statuses(scene, "moved")
        withdraw(SOURCE, ["canceled"])
        later = scene.publish(now() + timedelta(hours=3), "moved")
        canceled = Delivery.objects.filter(state=State.CANCELED)
        wait_until(lambda: canceled.count() == 6, what="the end of six calls")
    assert statuses(scene, "canceled") == statuses(scene, "moved") == ["canceled"] * 3
    assert "canceled" not in statuses(scene, "kept")
    assert Delivery.objects.filter(state=State.SENT, event__external_id="kept").count() == 3
    pending = Delivery.objects.filter(state=State.PENDING)
    assert [row.due_at for row in pending] == [later] * 3
