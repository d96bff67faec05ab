"""Calls whose fate is unknown, when their lease runs out: never twice, never forgotten."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from common import channels
from common.channels import Message
from common.clock import now
from common.process_ids import sign
from common.states import State
from eventinvoke.channels.voice.channel import VoiceChannel
from eventinvoke.models import Attempt, Delivery
from eventinvoke.sending.leases import recover_leases
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Target
from registration.tests.factories import TargetFactory
from tests.simulated_twilio import SimulatedTwilio

pytestmark = pytest.mark.django_db
NUMBER = "+4915123456789"


@pytest.fixture(autouse=True)
def installed(settings: Settings) -> Iterator[None]:
    """The real channel, in place of the stand-ins that other tests of this app use."""
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.voice.channel.VoiceChannel"]
    channels.registry.cache_clear()
    yield
    channels.registry.cache_clear()


@pytest.fixture
def phone() -> Target:
    target: Target = TargetFactory.create(kind="voice", address=NUMBER)
    return target


def try_of(phone: Target, **attempt: object) -> Attempt:
    """A try of a delivery whose worker never came back."""
    delivery = DeliveryFactory.create(
        target=phone, state=State.SENDING, attempts=1, lease_until=now() - timedelta(seconds=1)
    )
    return Attempt.objects.create(delivery=delivery, started_at=now() - timedelta(seconds=20), **attempt)


def place_call(process_id: str) -> str:
    """Have a call created, as the worker did before it died; return its sid."""
    wanted = Message(process_id, NUMBER, "Weekly telecon", "", "notice-1", now() + timedelta(minutes=10))
    (result,) = [found for found in VoiceChannel().send([wanted]) if found is not None]
    return result.provider_id


def state_of(attempt: Attempt) -> tuple[str, str]:
    attempt.refresh_from_db()
    return Delivery.objects.get(pk=attempt.delivery_id).state, attempt.provider_id


def test_a_call_that_twilio_took_is_not_made_again(simulated_twilio: SimulatedTwilio, phone: Target) -> None:
    attempt = try_of(phone)
    sid = place_call(sign(attempt.pk))
    recover_leases()
    assert state_of(attempt) == (State.SENT, sid)
    assert len(simulated_twilio.calls()) == 1


def test_a_call_that_twilio_did_not_take_is_made_again(
    simulated_twilio: SimulatedTwilio, phone: Target
) -> None:
    attempt = try_of(phone)
    recover_leases()
    assert state_of(attempt) == (State.PENDING, "")


def test_the_call_of_another_notice_to_the_same_number_is_not_taken_for_it(
    simulated_twilio: SimulatedTwilio, phone: Target
) -> None:
    other, lost = try_of(phone), try_of(phone)
    Attempt.objects.filter(pk=other.pk).update(provider_id=place_call(sign(other.pk)))
    Delivery.objects.filter(pk=other.delivery_id).update(state=State.SENT, lease_until=None)
    recover_leases()
    assert state_of(lost) == (State.PENDING, "")


def test_of_two_lost_calls_to_one_number_each_finds_its_own(
    simulated_twilio: SimulatedTwilio, phone: Target
) -> None:
    attempts = [try_of(phone), try_of(phone)]
    sids = {place_call(sign(attempt.pk)) for attempt in attempts}
    recover_leases()
    assert {state_of(attempt) for attempt in attempts} == {(State.SENT, sid) for sid in sids}


def test_while_twilio_can_not_say_nothing_is_sent(simulated_twilio: SimulatedTwilio, phone: Target) -> None:
    attempt = try_of(phone)
    simulated_twilio.break_next("list-calls", 500, times=10)
    recover_leases()
    assert state_of(attempt) == (State.SENDING, "")
    until = Delivery.objects.get().lease_until
    assert until is not None
    assert until > now()


def test_a_call_that_ended_without_callbacks_brings_the_next_step(
    simulated_twilio: SimulatedTwilio, phone: Target
) -> None:
    simulated_twilio.behave(NUMBER, answers="busy")
    attempt = try_of(phone)
    Attempt.objects.filter(pk=attempt.pk).update(provider_id=place_call(sign(attempt.pk)))
    Delivery.objects.update(state=State.SENT)
    simulated_twilio.wait_for_call(NUMBER, status="busy")
    recover_leases()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (State.UNDELIVERED, "The line was busy.")
