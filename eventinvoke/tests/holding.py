"""Holding a transaction open in another thread, as one of another process does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import connection, transaction
from django.db.models import Model


@contextmanager
def uncommitted(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a transaction that ends with the block. The test needs ``django_db(transaction=True)``."""
    is_done, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            work()
            is_done.set()
            is_over.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_done.wait(10)
        yield
    finally:
        is_over.set()
        thread.join()


def held(row: Model) -> AbstractContextManager[None]:
    """Lock a row until the block ends."""
    rows = type(row)._default_manager.select_for_update().filter(pk=row.pk)
    return uncommitted(lambda: list(rows))
