"""What the database broke off is done again."""

import threading
from contextlib import ExitStack

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from common.db.retry_transaction import TIMES, retry_transaction
from eventinvoke.models import Delivery, Event
from eventinvoke.replies import answers
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.holding import held


@pytest.mark.django_db(transaction=True)
def test_what_two_that_wait_for_each_other_began_is_done_in_the_end() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    first, second = EventFactory(), EventFactory()
    meet = threading.Barrier(2)
    tries: list[int] = []

    @retry_transaction
    def rename(pks: list[int]) -> None:
        with transaction.atomic():
            tries.append(pks[0])
            Event.objects.filter(pk=pks[0]).update(title="new")
            if len(tries) <= 2:
                meet.wait(10)
            Event.objects.filter(pk=pks[1]).update(title="new")

    def work(pks: list[int]) -> None:
        rename(pks)
        connection.close()

    threads = [
        threading.Thread(target=work, args=(pks,)) for pks in ([first.pk, second.pk], [second.pk, first.pk])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tries) == 3
    assert set(Event.objects.values_list("title", flat=True)) == {"new"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "mysql", reason="the others wait for a lock as long as it takes")
def test_a_lock_that_was_not_given_in_time_is_asked_for_again() -> None:
    event = EventFactory()
    tries: list[int] = []
    with ExitStack() as other:
        other.enter_context(held(event))

        @retry_transaction
        def rename() -> None:
            with transaction.atomic():
                tries.append(1)
                if len(tries) == 2:
                    other.close()
                Event.objects.filter(pk=event.pk).update(title="new")

        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        rename()
    connection.close()  # its time-out was for this test
    assert len(tries) == 2
    assert Event.objects.get().title == "new"


@pytest.mark.django_db(transaction=True)
def test_it_ends_after_a_few_times() -> None:
    tries: list[int] = []

    @retry_transaction
    def fail() -> None:
        tries.append(1)
        raise OperationalError("away")

    with pytest.raises(DatabaseError, match="away"):
        fail()
    assert len(tries) == TIMES


@pytest.mark.django_db
def test_inside_of_another_s_transaction_nothing_is_repeated() -> None:
    tries: list[int] = []

    @retry_transaction
    def fail() -> None:
        tries.append(1)
        raise OperationalError("broken off")

    with pytest.raises(OperationalError):
        fail()
    assert len(tries) == 1


@pytest.mark.django_db
def test_an_answer_is_still_told_whether_it_is_new() -> None:
    told = DeliveryFactory(state="sent")
    assert answers.acknowledge(Delivery.objects.get(pk=told.pk), "key")
    assert not answers.acknowledge(Delivery.objects.get(pk=told.pk), "key")
