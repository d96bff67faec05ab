"""Heartbeats: when a kind was last looked after, and how far a machine's clock is off."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models

_KEPT: Final = timedelta(days=1)
"""A machine that was not heard of for so long is gone."""


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """Sets of heartbeats."""

    def note(self, topic: str, name: str, at: datetime, skew: float | None = None) -> None:
        """Write one down, in place of the earlier one of that topic and name."""
        if self.filter(topic=topic, name=name).update(at=at, skew=skew):
            return
        self.filter(at__lt=at - _KEPT).delete()
        # Another process may have written the first one meanwhile, which is as good.
        self.bulk_create([Heartbeat(topic=topic, name=name, at=at, skew=skew)], ignore_conflicts=True)


class Heartbeat(models.Model):
    """The latest sign of life of one thing. Times are the database's (``common.clock``)."""

    class Topic(models.TextChoices):
        """What gives a sign of life."""

        FIRE = "fire", "deliveries of a kind are sent"
        CLOCK = "clock", "a program compared its machine's clock"
        ROUND = "round", "a round was done"

    topic = models.CharField(max_length=10, choices=Topic.choices)
    name = models.CharField(max_length=255, help_text="The kind; or the machine's host name and the program.")
    at = models.DateTimeField()
    skew = models.FloatField(
        null=True, blank=True, help_text="Seconds by which the machine's clock is ahead of the database's."
    )

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["topic", "name"], name="heartbeat_once")]

    def __str__(self) -> str:
        """Say of what it is, and when it was."""
        return f"{self.topic} {self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
