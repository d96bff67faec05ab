"""What one bad row, one bad channel or one bad moment of the database must not do to the others."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from common import channels
from common.channels import Message, Outcome, SendResult
from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery, Event
from eventinvoke.planning.parts import WISHES
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import follow_changes
from eventinvoke.replies import answers
from eventinvoke.sending.claim import claim
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.leases import AT_ONCE, recover_leases, take_back
from eventinvoke.sending.loops import run_once
from eventinvoke.sending.record import Recorder
from eventinvoke.tests.conftest import PATH
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.holding import held
from eventinvoke.tests.stand_ins import CallLike, OneASecond, PushLike
from registration.models import Registration
from registration.tests.factories import (
    CalendarFactory,
    DateFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

HERE = f"{__name__}."
_HANG_UP = {
    "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mysql": "KILL CONNECTION_ID()",
}


class Defective(CallLike):
    """A channel that can neither ask nor take back."""

    kind = "defective"

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        del messages
        raise RuntimeError("a defect")

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        del provider_ids
        raise RuntimeError("a defect")


class AtOnce(PushLike):
    """A channel that takes in all messages before the first result; the database fails meanwhile."""

    kind = "atonce"

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        iterator = iter(messages)
        flying = [next(iterator)]
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
                connection.cursor().execute("PRAGMA busy_timeout=1")
                other.execute("BEGIN IMMEDIATE")
                flying += iterator
        else:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(_HANG_UP[connection.vendor])
            flying += iterator
        for message in flying:
            yield SendResult(message, Outcome.ACCEPTED)


@pytest.fixture
def _here(settings: Any) -> Iterator[None]:
    settings.NOTICE_CHANNELS = [HERE + "Defective", HERE + "AtOnce", PATH + "CallLike", PATH + "PushLike"]
    channels.registry.cache_clear()
    yield
    channels.registry.cache_clear()


def sent(kind: str) -> Delivery:
    delivery: Delivery = DeliveryFactory(target=TargetFactory(kind=kind, address="ok"))
    fire(kind)
    return delivery


@pytest.mark.django_db
@pytest.mark.usefixtures("_here")
def test_a_channel_that_can_t_ask_keeps_no_other_from_asking() -> None:
    for kind in ("defective", "calllike"):
        sent(kind)
    Delivery.objects.update(lease_until=now() - timedelta(minutes=1))
    channels.get("calllike").answers["ok"] = Outcome.DELIVERED  # type: ignore[attr-defined]
    recover_leases()
    assert Delivery.objects.get(kind="calllike").state == State.DELIVERED


@pytest.mark.django_db
@pytest.mark.usefixtures("_here")
def test_a_channel_that_can_t_take_back_keeps_no_other_from_it() -> None:
    for kind in ("defective", "calllike"):
        event = sent(kind).event
        event.canceled_at = now()
        event.save()
    assert take_back() == 1
    assert Delivery.objects.get(kind="calllike").state == State.CANCELED


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_here")
def test_what_is_on_its_way_lands_though_the_database_fails_at_the_next_batch(settings: Any) -> None:
    settings.NOTICE_BATCH_SIZE = 1
    for _ in range(2):
        DeliveryFactory(target=TargetFactory(kind="atonce"))
    assert fire("atonce").tried == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == [State.PENDING, State.SENT]


@pytest.mark.django_db(transaction=True)
def test_a_result_that_can_t_be_written_takes_no_other_along(push: PushLike) -> None:
    for _ in range(3):
        DeliveryFactory(target=TargetFactory(kind="pushlike"))
    claimed, _more = claim(push, 3)
    recorder = Recorder(push, 10)
    for one, reason in zip(claimed, ["", "half a \ud800 pair", ""], strict=True):
        recorder.add(one, SendResult(one.message, Outcome.ACCEPTED, reason=reason))
    recorder.finish()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [states[one.delivery_id] for one in claimed] == [State.SENT, State.SENDING, State.SENT]


@pytest.mark.django_db(transaction=True)
def test_a_registration_that_another_process_holds_is_not_waited_for() -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    busy, free = (StepFactory(registration=DateFactory()).registration for _ in range(2))
    with held(busy):
        assert follow_changes() == 1
    assert list(Registration.objects.unplanned()) == [busy]
    assert [row.registration_id for row in Delivery.objects.all()] == [free.pk]
    assert follow_changes() == 1


@pytest.mark.django_db
def test_a_run_from_cron_waits_for_the_rate_of_a_provider(slow: OneASecond) -> None:
    for _ in range(3):
        DeliveryFactory(target=TargetFactory(kind="slowlike"))
    assert run_once() == 3
    assert len(slow.sent) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("_here")
def test_a_run_from_cron_goes_on_to_other_kinds_when_a_channel_has_a_defect() -> None:
    for kind in ("calllike", "pushlike"):
        DeliveryFactory(target=TargetFactory(kind=kind, address="ok" if kind == "pushlike" else "fault"))
    assert run_once() == 1
    assert Delivery.objects.get(kind="pushlike").state == State.SENT


@pytest.mark.django_db
@pytest.mark.usefixtures("call", "push")
@pytest.mark.parametrize("kind", ["calllike", "pushlike"])
def test_a_defect_of_a_channel_is_recorded_and_told_to_the_administrators(kind: str) -> None:
    staff = MemberFactory(user__is_staff=True)
    delivery = DeliveryFactory(target=TargetFactory(kind=kind, address="fault"))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            fire(kind)
        Delivery.objects.filter(pk=delivery.pk).update(state=State.PENDING, next_attempt_at=now())
        assert "RuntimeError" in Attempt.objects.latest("pk").reason
    (told,) = Delivery.objects.filter(origin=Delivery.Origin.DIRECT)
    assert (told.member, told.kind) == (staff, "inbox")
    assert told.event.title.endswith("notices can't be sent")
    assert "RuntimeError" in told.event.description


@pytest.mark.django_db
def test_a_call_that_the_provider_never_knows_ends(call: CallLike) -> None:
    delivery = DeliveryFactory(target=TargetFactory(kind="calllike", address="silent"))
    fire("calllike")
    for age, state in ((timedelta(hours=23), State.SENDING), (timedelta(hours=25), State.FAILED)):
        Attempt.objects.update(started_at=now() - age)
        Delivery.objects.update(lease_until=now() - timedelta(minutes=1))
        recover_leases()
        delivery.refresh_from_db()
        assert delivery.state == state
    assert (len(call.sent), len(call.asked)) == (1, 2)


@pytest.mark.django_db
def test_one_of_many_queued_calls_is_taken_back_at_once() -> None:
    target = TargetFactory(kind="calllike", address="ok", member__daily_cap=None)
    rows = [
        DeliveryFactory(target=target, event=EventFactory(), due_at=now() - timedelta(seconds=number))
        for number in range(AT_ONCE + 5)
    ]
    fire("calllike")
    Delivery.objects.filter(pk=rows[-1].pk).update(lease_until=now() + timedelta(hours=1))
    Event.objects.filter(pk=rows[-1].event_id).update(canceled_at=now())
    assert take_back() == 1


@pytest.mark.django_db
def test_events_that_are_too_many_for_one_go_are_all_planned() -> None:
    calendar = CalendarFactory(owner=None)
    target = TargetFactory()
    for number in range(101):
        registration = RegistrationFactory(calendar=calendar, member=target.member)
        StepFactory(registration=registration, target=target, offset=-timedelta(minutes=number))
    starts_at = now() + timedelta(days=1)
    titles = ["Lunch" if number == 50 else "PFS telecon" for number in range(101)]
    assert WISHES < 100 * 101 / 2
    publish(EventDraft(calendar.source, str(n), title, starts_at) for n, title in enumerate(titles))
    assert Delivery.objects.count() == 100 * 101


@pytest.mark.django_db(transaction=True)
def test_a_confirmation_counts_for_what_is_being_planned_meanwhile() -> None:
    told = DeliveryFactory(state=State.SENT)
    is_planning, is_confirmed = threading.Event(), threading.Event()

    def plan() -> None:
        with transaction.atomic():
            event = Event.objects.select_for_update().get(pk=told.event_id)
            DeliveryFactory(event=event, target=told.target, due_at=now() + timedelta(minutes=5))
            is_planning.set()
            # A confirmation that waits for the plan can't come first.
            is_confirmed.wait(1)
        connection.close()

    thread = threading.Thread(target=plan)
    thread.start()
    assert is_planning.wait(10)
    answers.acknowledge(told, "key")
    is_confirmed.set()
    thread.join()
    assert not Delivery.objects.pending().exists()
