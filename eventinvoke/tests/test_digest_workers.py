"""Who makes the summaries: any worker, each of them once, also when processes die."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import current_app
from django.db import DatabaseError, connection

from common.clock import now
from common.queues import Queue
from common.states import State
from eventinvoke.models import Delivery, Held, Period
from eventinvoke.sending import digest
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.loops import run_once
from eventinvoke.tasks import fire_due, plan, wake
from eventinvoke.tests.muting import HOUR, MINUTE, START, hold_back, observe, runner, summaries
from registration.membership import add_inbox
from registration.tests.factories import (
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db


def test_a_worker_that_dies_while_it_makes_a_summary_loses_nothing(
    clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)

    def dies(execute: Any, sql: str, *rest: Any) -> Any:
        if "DELETE" in sql:
            raise KeyboardInterrupt
        return execute(sql, *rest)

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(dies):
        summarise_due()
    assert summaries() == []
    assert summarise_due() == 1
    assert len(summaries()) == 1


def test_a_summary_that_can_t_be_made_holds_up_no_other(clock: Any, caplog: Any) -> None:
    ones = [runner(), runner()]
    for one in ones:
        observe(one, START - HOUR, START + HOUR)
        hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    bad = ones[0].member_id

    def fails(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("SELECT") and "registration_registration" in sql and params == (ones[0].pk,):
            raise DatabaseError("broken")
        return execute(sql, params, *rest)

    with connection.execute_wrapper(fails):
        assert summarise_due() == 1
    assert [row.member_id for row in Delivery.objects.filter(event__source="summary")] != [bad]
    assert "can't be made" in caplog.text
    clock.move_to(START + 3 * HOUR)
    assert summarise_due() == 1


def test_so_many_are_made_at_once_and_the_rest_at_the_next_wake_up(
    clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "AT_ONCE", 1)
    for one in (runner(), runner()):
        observe(one, START - HOUR, START + HOUR)
        hold_back(one, "Telecon")
    clock.move_to(START + HOUR + timedelta(seconds=1))
    assert (summarise_due(), summarise_due(), summarise_due()) == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_summary() -> None:
    one = runner()
    observe(one, now() - HOUR, now() + HOUR)
    hold_back(one, "Telecon", "Review")
    Held.objects.update(until=now())
    Period.objects.update(ends_at=now())
    together = threading.Barrier(2)

    def work() -> int:
        together.wait(10)
        try:
            return summarise_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = [future.result() for future in [pool.submit(work), pool.submit(work)]]
    assert sum(made) == len(summaries()) == 1
    assert Delivery.objects.filter(event__source="summary").count() == 1


def test_the_command_of_cron_holds_back_and_sums_up(clock: Any) -> None:
    one = runner()
    observe(one, START - HOUR, START + HOUR)
    notify = RegistrationFactory(
        member=one.member, calendar=one.calendar, pattern="telecon", text="At {time}"
    )
    target = TargetFactory(member=one.member, kind="pushlike", address="ok")
    StepFactory(registration=notify, target=target)
    StepFactory(registration=notify, target=add_inbox(one.member))
    observe(one, START + 10 * MINUTE, external_id="2", title="Telecon")
    run_once()
    states = dict(Delivery.objects.values_list("kind", "state"))
    assert states == {"pushlike": State.SUPPRESSED, "inbox": State.SENT}
    clock.move_to(START + HOUR)
    run_once()
    (event,) = summaries()
    assert event.description == "21 November 2026 10:10 Telecon"
    assert event.deliveries.get().state == State.SENT


def test_a_wake_up_starts_the_summary_that_it_made(clock: Any, broker_url: str) -> None:
    one = runner()
    StepFactory(registration=one, target=TargetFactory(member=one.member, kind="pushlike", address="ok"))
    observe(one, START - HOUR, START + HOUR)
    hold_back(one, "Telecon")
    clock.move_to(START + HOUR)
    current_app.conf.update(broker_url=broker_url)
    wake()
    with redis.from_url(broker_url) as client:
        (message,) = map(json.loads, client.lrange(str(Queue.URGENT), 0, -1))
        assert message["headers"]["task"] == plan.name
        plan()
        (message,) = map(json.loads, client.lrange(str(Queue.FIRE), 0, -1))
    assert message["headers"]["task"] == fire_due.name
    assert json.loads(base64.b64decode(message["body"]))[0] == ["pushlike"]
