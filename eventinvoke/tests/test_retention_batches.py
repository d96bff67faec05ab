"""Retention works in short transactions beside everything else, and goes on after an interruption."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings as project
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.clock import now
from common.db.pruning import BATCH
from common.states import State
from eventinvoke.models import Attempt, Delivery, Event
from eventinvoke.retention import prune
from eventinvoke.tasks import prune_old
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.records import delivery_of, event_of
from registration.tests.factories import TargetFactory

pytestmark = pytest.mark.django_db(transaction=True)

OLD = timedelta(days=401)
servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks the whole database")


def many_old(count: int) -> None:
    """Deliveries of one event to several members, each with an attempt."""
    at = now() - OLD
    event = event_of(at)
    targets = TargetFactory.create_batch(3)
    Delivery.objects.bulk_create(
        DeliveryFactory.build(
            event=event,
            target=targets[number % 3],
            member=targets[number % 3].member,
            registration=None,
            state=State.SENT,
            due_at=at - timedelta(seconds=number // 6),  # two of each member are due at the same time
            deadline_at=at,
            slot=number,
        )
        for number in range(count)
    )
    Attempt.objects.bulk_create(Attempt(delivery=row) for row in Delivery.objects.all())


def rows_deleted_by_transaction(queries: list[dict[str, str]]) -> list[int]:
    found = [0]
    for query in queries:
        if query["sql"].startswith("DELETE"):
            found[-1] += query["sql"].count(",") + 1
        elif query["sql"].startswith("COMMIT"):
            found.append(0)
    return [rows for rows in found if rows]


def test_no_transaction_deletes_more_rows_than_a_batch_holds() -> None:
    many_old(2 * BATCH + 1)
    with CaptureQueriesContext(connection) as context:
        done = prune()
    deleted = rows_deleted_by_transaction(context.captured_queries)
    assert max(deleted) <= BATCH
    assert sum(deleted) == 2 * (2 * BATCH + 1) + 1
    assert done.counts["deliveries"] == done.counts["attempts"] == 2 * BATCH + 1
    assert not Event.objects.exists()


def test_a_delivery_with_very_many_attempts_is_deleted_in_batches_too() -> None:
    row = delivery_of(now() - OLD, State.FAILED)
    Attempt.objects.bulk_create(Attempt(delivery=row, number=number) for number in range(BATCH + 1))
    with CaptureQueriesContext(connection) as context:
        prune()
    assert max(rows_deleted_by_transaction(context.captured_queries)) <= BATCH
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("death", [1, 5, 8, 11])
def test_an_interrupted_run_is_continued_by_the_next(death: int) -> None:
    many_old(BATCH + 20)
    deletes = iter(range(1, 1000))

    def dies(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE") and next(deletes) == death:
            raise KeyboardInterrupt
        return execute(sql, *rest)

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(dies):
        prune()
    left = Delivery.objects.count()
    assert left
    assert prune().counts["deliveries"] == left
    assert not Event.objects.exists()
    assert not Attempt.objects.exists()


@contextmanager
def another_transaction(rows: Any) -> Iterator[None]:
    """Hold locks on some rows in another connection."""
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            held.set()
            enough.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hold)
        assert held.wait(30)
        try:
            yield
        finally:
            enough.set()
        done.result()


@servers
def test_rows_that_another_transaction_has_locked_are_left_to_the_next_run() -> None:
    rows = [delivery_of(now() - OLD) for _ in range(3)]
    lonely = event_of(now() - OLD)
    with another_transaction(Delivery.objects.filter(pk=rows[1].pk)):
        prune()
        assert list(Delivery.objects.all()) == [rows[1]]
    with another_transaction(Event.objects.all()):
        prune()
        assert not Delivery.objects.exists()
        assert Event.objects.filter(pk=rows[1].event_id).exists()
    assert not Event.objects.filter(pk=lonely.pk).exists()
    prune()
    assert not Event.objects.exists()


@servers
def test_an_event_that_gets_a_delivery_at_this_moment_stays_and_holds_up_no_other() -> None:
    event = event_of(now() - OLD)
    event_of(now() - OLD)
    target = TargetFactory()

    def plan(execute: Any, sql: str, *rest: Any) -> Any:
        if "FOR UPDATE" in sql and "eventinvoke_event" in sql and not Delivery.objects.exists():
            with ThreadPoolExecutor(1) as pool:
                pool.submit(insert).result()
        return execute(sql, *rest)

    def insert() -> None:
        DeliveryFactory(event=event, target=target, due_at=now())
        connection.close()

    with connection.execute_wrapper(plan):
        prune()
    assert Delivery.objects.get().event == Event.objects.get() == event


def test_the_task_lines_up_again_while_there_is_more(settings: Any, broker_url: str) -> None:
    current_app.conf.update(broker_url=broker_url)
    many_old(BATCH + 20)

    def waiting() -> list[str]:
        with redis.from_url(broker_url) as client:
            return [json.loads(one)["headers"]["task"] for one in client.lrange("slow", 0, -1)]

    def slow(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE FROM") and "eventinvoke_delivery" in sql:
            sleep(3)
        return execute(sql, *rest)

    settings.NOTICE_PRUNE_SECONDS = 0
    prune_old()
    assert waiting() == []  # it deleted nothing, so that it would go round for ever
    settings.NOTICE_PRUNE_SECONDS = 3
    with connection.execute_wrapper(slow):
        prune_old()
    assert Delivery.objects.exists()
    assert waiting() == [prune_old.name]
    settings.NOTICE_PRUNE_SECONDS = 60
    prune_old()
    assert waiting() == [prune_old.name]
    assert not Delivery.objects.exists()


def test_the_beat_starts_it_each_day_without_a_deadline_of_its_own_clock() -> None:
    entry = project.CELERY_BEAT_SCHEDULE["prune"]
    assert entry["task"] == prune_old.name
    assert "expires" not in entry["options"]
