"""What bulk writes return: each row to the transaction that wrote or deleted it, and to no other."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from common.clock import now
from common.db import bulk
from eventinvoke.models import DailyCount, Event, Prepared
from eventinvoke.models.attempts import new_attempt_id
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.tests.factories import MemberFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("each_way")]

WORKERS = 4
ROUNDS = 25
COLUMNS = ("source", "external_id", "title", "starts_at", "deadline_at")


def at_once(work: Callable[[int], list[Any]]) -> list[list[Any]]:
    """Run some work in several workers, which begin together; return what each of them got."""
    start = threading.Barrier(WORKERS)

    def run(number: int) -> list[Any]:
        start.wait(30)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(run, range(WORKERS)))


def persistently(work: Callable[[], list[Any]]) -> list[Any]:
    """Do one transaction, again where the database chose it as deadlock victim."""
    while True:
        with suppress(OperationalError), transaction.atomic():
            return work()


def test_of_what_several_workers_insert_each_gets_its_own_rows() -> None:
    at = now()

    def insert(worker: int) -> list[Any]:
        found: list[Any] = []
        for turn in range(ROUNDS):
            # Others have the same names in another order; the worker's own are between them.
            names = [f"{turn}-{n}" for n in range(8)][:: -1 if worker % 2 else 1]
            names[3:3] = [f"{turn}-of-{worker}-{n}" for n in range(3)]
            rows = [("system", name, f"by {worker}", at, at) for name in names]
            found += persistently(
                lambda rows=rows: bulk.insert_missing(  # type: ignore[misc]
                    Event, COLUMNS, rows, returning=("id", "external_id", "title")
                )
            )
        return found

    made = at_once(insert)
    stored = set(Event.objects.values_list("id", "external_id", "title"))
    assert Counter(row for rows in made for row in rows) == Counter(stored)
    assert len(stored) == ROUNDS * (8 + WORKERS * 3)
    for worker, rows in enumerate(made):
        assert {title for _id, _name, title in rows} == {f"by {worker}"}


def test_where_all_is_there_already_nothing_is_returned() -> None:
    at = now()
    EventFactory(source="system", external_id="1")
    rows = [("system", "1", "PFS telecon", at, at)]
    assert bulk.insert_missing(Event, COLUMNS, rows, returning=("id",)) == []


def test_counters_that_several_workers_add_to_lose_nothing() -> None:
    members = [MemberFactory.create().pk for _ in range(3)]
    day = date(2026, 11, 25)

    def count(worker: int) -> list[Any]:
        rows = [(pk, day, worker + 1) for pk in members]
        add = lambda: bulk.add(DailyCount, ("member", "day"), "used", rows)  # noqa: E731
        return [row for _ in range(ROUNDS) for row in persistently(add)]

    sums = at_once(count)
    for pk in members:
        whole = ROUNDS * sum(range(1, WORKERS + 1))
        assert DailyCount.objects.get(member=pk, day=day).used == whole
        seen = [used for rows in sums for member, _day, used in rows if member == pk]
        # Each addition is seen once: two workers never get the same sum.
        assert len(set(seen)) == len(seen) == ROUNDS * WORKERS
        assert max(seen) == whole


def test_rows_that_several_workers_take_go_to_one_of_them() -> None:
    keys = [DeliveryFactory.create().pk for _ in range(40)]
    Prepared.objects.bulk_create(
        Prepared(delivery_id=pk, attempt_id=new_attempt_id(), body=b"%d" % pk) for pk in keys
    )
    stored = {row.pk: (row.attempt_id, bytes(row.body)) for row in Prepared.objects.all()}
    taken = at_once(
        lambda worker: persistently(
            lambda: list(Prepared.objects.take(keys[:: -1 if worker % 2 else 1] + [0]).items())
        )
    )
    assert sorted(one for rows in taken for one in rows) == sorted(stored.items())
    assert not Prepared.objects.exists()
    assert Prepared.objects.take(keys) == {}
