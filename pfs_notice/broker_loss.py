"""A worker whose broker goes away while it works connects again.

Celery acknowledges a task when it has ended. If the broker is gone at that moment, Celery logs that it
could not, counts the task as unfinished for good, and, once as many are unfinished as it may have, no
longer listens on the connection that would tell it of the loss: the worker lives on and does nothing.
So here is remembered what was to be acknowledged, and where that did not happen the worker is told that
its connection is lost, which it knows how to mend.
"""

from time import monotonic
from typing import Any, Final

from celery import Task, bootsteps
from celery.app.amqp import AMQP
from celery.worker.request import Request
from kombu import Connection

LOOK_EVERY: Final = 1.0
"""In seconds; an acknowledgement takes a thousandth of that."""

RETRY_EVERY: Final = 1.0
"""In seconds. Celery's own pauses grow to 30 s, so that workers would be missing for as long once the broker is back."""

_due: dict[Any, float] = {}
"""Messages that are to be acknowledged, and since when."""


class WatchedRequest(Request):
    """A task's request whose acknowledgement is looked after."""

    def acknowledge(self) -> None:
        """Acknowledge the task, or at least remember that it is to be done."""
        if not self.acknowledged:
            _due[self.message] = monotonic()
        super().acknowledge()


class WatchedTask(Task[Any, Any]):
    """A task that is requested so."""

    Request = f"{__name__}:WatchedRequest"


class BrokerWatch(bootsteps.StartStopStep):
    """The part of a worker that looks whether acknowledgements were taken."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:  # noqa: ARG002 - Celery passes it
        """Begin afresh with each connection: what an old one brought can't be acknowledged on it."""
        _due.clear()

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:  # noqa: ARG002 - Celery passes it
        """Look every second, as long as this connection lasts."""
        hub.call_repeatedly(LOOK_EVERY, _look)


class SteadyConnection(Connection):
    """A connection to the broker that is tried again every second while there is none."""

    def ensure_connection(self, *args: Any, **options: Any) -> Connection:  # type: ignore[override]
        """Connect, however often that has to be tried."""
        options |= {"interval_start": RETRY_EVERY, "interval_step": 0, "interval_max": RETRY_EVERY}
        found: Connection = super().ensure_connection(*args, **options)
        return found


class SteadyAMQP(AMQP):
    """What Celery makes connections with."""

    Connection = SteadyConnection


def _look() -> None:
    """Raise ``ConnectionError``, which has the worker connect again, if something was not acknowledged."""
    instant = monotonic()
    for message, since in list(_due.items()):
        if message.acknowledged:
            _due.pop(message, None)
        elif instant - since > LOOK_EVERY:
            _due.clear()
            msg = "a task could not be acknowledged: the broker is gone, or was"
            raise ConnectionError(msg)
