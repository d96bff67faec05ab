"""Holding rows of the database in another thread, as a long transaction of another process does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model


@contextmanager
def held(row: Model) -> Iterator[None]:
    """Lock a row until the block ends. The test needs ``django_db(transaction=True)``."""
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(type(row)._default_manager.select_for_update().filter(pk=row.pk))
            is_held.set()
            is_over.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_held.wait(10)
        yield
    finally:
        is_over.set()
        thread.join()
