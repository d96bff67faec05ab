"""Marks: which events have changed since their deliveries were last brought in line with them."""

from typing import ClassVar

from django.db import models

from eventinvoke.models.events import Event


class Unplanned(models.Model):
    """The mark of one event whose deliveries do not follow its last change.

    It is written in the transaction of the change and deleted in the transaction that writes the last deliveries. A row
    of its own is cheaper than a column of the event, whose every change would write all indexes of the event again.
    The reference has no constraint, which a sync would pay for with each event; ``planning.marks`` deletes
    the mark of an event that is gone.
    """

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="unplanned"
    )
    version = models.PositiveIntegerField(help_text="The version of the event that is to be planned.")

    class Meta:
        ordering: ClassVar = ["pk"]
        verbose_name_plural = "unplanned events"

    def __str__(self) -> str:
        """Name the event and the version."""
        return f"version {self.version} of event {self.event_id}"
