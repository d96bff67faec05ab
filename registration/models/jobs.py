"""What a request has a worker do, because it waits for servers outside."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models

from common.clock import now
from common.fields import EncryptedTextField
from registration.models.members import Member

LIFETIME: Final = timedelta(minutes=15)
"""A result is kept for so long."""


class JobQuerySet(models.QuerySet["Job"]):
    """Sets of jobs."""

    def kept(self, at: datetime) -> "JobQuerySet":
        """Return those that are not too old to count."""
        return self.filter(created_at__gt=at - LIFETIME)


class Job(models.Model):
    """One piece of work for one member. A worker claims it by changing its state."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    back = models.CharField(max_length=300, help_text="The page to go on with when it is done.")
    given = EncryptedTextField(blank=True, default="", help_text="JSON; emptied when it is done.")
    result = EncryptedTextField(blank=True, default="", help_text="JSON.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "created_at"], name="jobs_by_state"),
            models.Index(fields=["created_at"], name="jobs_by_age"),
        ]

    def __str__(self) -> str:
        """Say what it is."""
        return f"{self.kind} ({self.state})"
