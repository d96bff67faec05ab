"""Changes: what a source altered of an event after it was first published."""

from typing import ClassVar

from django.db import models

from common.clock import now
from eventinvoke.models.events import Event


class EventChange(models.Model):
    """One alteration of an event, for the people who want to see what became of it."""

    class Kind(models.TextChoices):
        """What happened to the event, the most important first."""

        CANCELED = "canceled", "canceled"
        REINSTATED = "reinstated", "takes place after all"
        MOVED = "moved", "moved"
        RETITLED = "retitled", "renamed"
        EDITED = "edited", "changed"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(default=now)
    before = models.JSONField(default=dict, help_text="The altered columns as they were.")
    after = models.JSONField(default=dict, help_text="The same columns as they are since.")

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["at"], name="event_change_at")]

    def __str__(self) -> str:
        """Return what happened."""
        return self.get_kind_display()
