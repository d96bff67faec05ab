"""Rounds, signs of life, and what a wrong clock had expire."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from celery import current_app

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Heartbeat
from eventinvoke.querysets import TIME_IS_OVER
from eventinvoke.sending import heartbeats
from eventinvoke.sending.heartbeats import is_stuck, large_skews
from eventinvoke.sending.rounds import do_round, send, tend
from eventinvoke.tasks import WAKE_UPS, plan, wake
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.stand_ins import PushLike
from registration.tests.factories import DateFactory, TargetFactory

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Notes:
    """Hands that write down what they were asked for, and when."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.asked: list[tuple[str, datetime]] = []

    def send(self, kind: str, batches: int) -> None:
        self.asked.append((f"send {kind} {batches}", now()))

    def plan(self) -> None:
        self.asked.append(("plan", now()))

    def prepare(self, kind: str) -> None:
        self.asked.append((f"prepare {kind}", now()))

    def wait_until(self, instant: datetime) -> bool:
        self._clock.move_to(instant)
        return True


@pytest.fixture(autouse=True)
def first_signs() -> Iterator[None]:
    """Have signs of life given at once, even if another test gave some just now."""
    heartbeats._fired.clear()
    heartbeats._report.reset()
    heartbeats._round.reset()
    yield
    heartbeats._fired.clear()


def pending(due_at: datetime, kind: str = "pushlike", **changes: Any) -> Delivery:
    made: Delivery = DeliveryFactory(target=TargetFactory(kind=kind, address="ok"), due_at=due_at, **changes)
    return made


def test_a_round_starts_what_is_overdue_then_plans_then_waits_for_what_falls_due(clock: Any) -> None:
    began_at = now()
    pending(began_at - SECOND, kind="calllike")
    pending(began_at + 0.3 * SECOND)
    pending(began_at + 0.8 * SECOND)
    pending(began_at + 2 * SECOND)
    DateFactory(starts_at=began_at + HOUR)
    hands = Notes(clock)
    assert do_round(hands) == {"calllike"}
    assert hands.asked == [
        ("send calllike 1", began_at),
        ("plan", began_at),
        ("send pushlike 1", began_at + 0.3 * SECOND),
        ("send pushlike 1", began_at + 0.8 * SECOND),
    ]


def test_wake_ups_that_pile_up_do_one_round(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WAKE_UPS, "seconds", 60)  # on a slow machine five take longer than half a second
    current_app.conf.update(broker_url=broker_url)
    DateFactory()
    for _ in range(5):
        wake()
    with redis.from_url(broker_url) as client:
        (message,) = map(json.loads, client.lrange("urgent", 0, -1))
    assert message["headers"]["task"] == plan.name
    assert (message["headers"]["eta"], message["headers"]["expires"]) == (None, None)


# What a wrong clock had expire


def test_what_expired_too_early_by_a_wrong_clock_is_sent_in_time(clock: Any, push: PushLike) -> None:
    real = now()
    soon = pending(real + MINUTE, deadline_at=real + HOUR)
    overdue = pending(real - MINUTE, deadline_at=real + HOUR)
    clock.move_to(real + timedelta(days=2))
    send("pushlike")
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.EXPIRED}
    clock.move_to(real)
    tend()
    rows = dict(Delivery.objects.values_list("pk", "next_attempt_at"))
    assert rows == {soon.pk: real + MINUTE, overdue.pk: real}
    assert set(Delivery.objects.values_list("state", "reason")) == {(State.PENDING, "")}
    clock.move_to(real + MINUTE)
    send("pushlike")
    assert len(push.sent) == 2


def test_what_expired_rightly_or_for_another_reason_stays_so(clock: Any) -> None:
    over = pending(now() - HOUR, deadline_at=now() - MINUTE, state=State.EXPIRED, reason=TIME_IS_OVER)
    other = pending(now() - HOUR, deadline_at=now() + HOUR, state=State.EXPIRED, reason="It rang too late.")
    tend()
    rows = Delivery.objects.filter(pk__in=[over.pk, other.pk])
    assert set(rows.values_list("state", flat=True)) == {State.EXPIRED}


# Signs of life


def test_what_is_overdue_while_its_kind_is_not_looked_after_is_reported(clock: Any, client: Any) -> None:
    began_at = now()
    pending(began_at, deadline_at=began_at + HOUR)
    assert client.get("/health").content == b"ok\n"
    clock.move_to(began_at + 61 * SECOND)
    assert is_stuck()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert b"more than a minute late" in answer.content
    assert client.get("/health/web").content == b"ok\n"


def test_another_kind_that_is_sent_hides_nothing(clock: Any) -> None:
    pending(now())
    pending(now(), kind="calllike")
    clock.move_to(now() + 61 * SECOND)
    send("pushlike")
    assert is_stuck()
    send("calllike")
    assert not is_stuck()


def test_a_provider_that_takes_few_messages_a_second_is_looked_after(clock: Any) -> None:
    for _ in range(3):
        pending(now(), kind="slowlike")
    clock.move_to(now() + 61 * SECOND)
    send("slowlike")
    assert Delivery.objects.pending().exists()
    assert not is_stuck()


def test_a_clock_that_is_far_off_is_named_to_administrators_only(client: Any, clock: Any) -> None:
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "worker-1.example", now(), 7.4)
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "worker-2.example", now(), -0.2)
    assert large_skews() == [("worker-1.example", 7.4)]
    text = client.get("/health").content.decode()
    assert text.splitlines()[0] == "ok"
    assert "by 7 s" in text
    assert "example" not in text
    clock.move_to(now() + 11 * MINUTE)
    assert client.get("/health").content == b"ok\n"


def test_a_sign_of_life_replaces_the_one_before_and_old_machines_are_forgotten() -> None:
    instant = now()
    for at, name in ((instant, "old"), (instant + HOUR, "old"), (instant + timedelta(days=2), "new")):
        Heartbeat.objects.note(Heartbeat.Topic.CLOCK, name, at, 0.0)
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["new"]


def test_the_health_check_is_three_queries_at_most(client: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(3):
        client.get("/health")
