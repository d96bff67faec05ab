"""The queues of tasks, each with workers of its own."""

from enum import StrEnum


class Queue(StrEnum):
    """Which workers carry a task out. The values are the names of Celery's queues."""

    FIRE = "fire"
    """Thousands of messages at once, by processes, one a core."""
    URGENT = "urgent"
    """Few tasks, by threads that are always free for them: a phone call waits for nothing else."""
    SLOW = "slow"
    """By threads that may wait long for a slow server."""
    CALENDARS = "calendars"
    """The reading of calendars, by threads that may wait long for a slow server."""
