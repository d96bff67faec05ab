"""Workers give a sign of life each minute, with and without tasks: ``manage.py doctor`` lists them."""

import logging
from threading import Thread
from typing import Any, Final

from celery import bootsteps
from django.db import Error, connection

from common import clock
from common.process_name import name_process
from eventinvoke.sending.heartbeats import give_sign

log = logging.getLogger(__name__)

EVERY: Final = 60.0
"""In seconds."""


class LifeSign(bootsteps.StartStopStep):
    """The part of a worker that gives the sign, in a thread: a database that hangs must not hold up the worker."""

    requires = ("celery.worker.components:Pool",)  # which forks, and threads are started afterwards

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._thread = Thread(target=_give)

    def start(self, parent: Any) -> None:
        """Give one now, and then at intervals."""
        name_process(f"worker {','.join(sorted(parent.app.amqp.queues.consume_from))}")
        self._begin()
        parent.timer.call_repeatedly(EVERY, self._begin)

    def _begin(self) -> None:
        if not self._thread.is_alive():
            self._thread = Thread(target=_give, name="life-sign", daemon=True)
            self._thread.start()


def _give() -> None:
    try:
        clock.synchronise()
        give_sign()
    except Error as error:
        log.warning("the database is away, no sign of life is given: %s", " ".join(str(error).split()))
    finally:
        connection.close()
