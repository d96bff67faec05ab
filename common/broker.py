"""The broker's queues: a message goes into one only while there is room.

No message carries a time at which it expires or is to be carried out: such a time is of the clock of
the machine that sent it, and another machine would hold it against its own. What bounds a queue is
its length.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from celery import Task, current_app
from kombu.exceptions import ChannelError, OperationalError

WAKE_UPS: Final = 100
"""No wake-up is sent to a queue where so many messages wait. They are worked off within two seconds, even
by a broker that writes each step to its disk: a wake-up ends at once where another has just run."""
SENDERS: Final = 60
"""No sender is started by way of a queue where so many messages wait; fewer than ``WAKE_UPS``, so that
senders leave room for wake-ups."""


def waiting(queue: str) -> int:
    """Return how many messages of a queue no worker has taken yet; 0 for a queue that does not exist.

    By a passive declaration, which each broker answers with the queue's length (for Redis, that of its
    lists). One round trip on the connection that messages are sent by.
    """
    with current_app.producer_pool.acquire(block=True) as producer:
        return _length(producer.channel, queue)


def lengths(queues: Iterable[str], *, seconds: float) -> dict[str, int]:
    """Return how many messages wait in each queue, by a connection of its own.

    Raises ``OperationalError`` of kombu where the broker doesn't answer within so many seconds.
    """
    with _channel(seconds) as channel:
        return {str(queue): _length(channel, queue) for queue in queues}


def facts(*, seconds: float) -> Mapping[str, Any]:
    """Return what a Redis or Valkey says of how it keeps data (its INFO); nothing for another broker.

    Raises ``OperationalError`` of kombu where it doesn't answer within so many seconds.
    """
    with _channel(seconds) as channel:
        client = getattr(channel, "client", None)
        return {} if client is None else {**client.info("persistence"), **client.info("memory")}


@contextmanager
def _channel(seconds: float) -> Iterator[Any]:
    limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "max_retries": 0}
    with current_app.connection(transport_options=limits) as connection:
        try:
            yield connection.default_channel
        except (*connection.connection_errors, *connection.channel_errors) as error:
            raise OperationalError(str(error)) from error


def _length(channel: Any, queue: str) -> int:
    try:
        found = channel.queue_declare(queue=queue, passive=True)
    except ChannelError:
        return 0
    return int(found.message_count)


def offer(task: "Task[Any, Any]", *arguments: Any, queue: str, most: int = SENDERS, times: int = 1) -> int:
    """Send a task so many times, but no more than ``most`` messages may wait; return how often it was sent."""
    count = max(0, min(times, most - waiting(queue)))
    for _ in range(count):
        task.apply_async(arguments, queue=queue)
    return count
