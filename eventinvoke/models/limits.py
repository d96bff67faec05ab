"""Counters that several workers share: a provider's rate and a member's day."""

from typing import ClassVar

from django.db import models

from registration.models import Member


class RateLimit(models.Model):
    """How many messages of one kind may go out now: a token bucket that all workers share."""

    kind = models.CharField(max_length=20, primary_key=True)
    tokens = models.FloatField(default=0)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the kind."""
        return self.kind


class DailyCount(models.Model):
    """How many notices a member was sent on one day of the member's own time zone."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["member", "day"], name="daily_count_once")]

    def __str__(self) -> str:
        """Say the day and the number."""
        return f"{self.day}: {self.used}"
