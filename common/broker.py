"""The broker's queues: a message goes into one only while there is room.

No message carries a time at which it expires or is to be carried out: such a time is of the clock of
the machine that sent it, and another machine would hold it against its own. What bounds a queue is
its length.
"""

from typing import Any, Final

from celery import Task, current_app
from kombu.exceptions import ChannelError

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
        channel: Any = producer.channel
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
