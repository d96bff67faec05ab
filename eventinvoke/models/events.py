"""Events: something at a point in time that people may want notice of."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from common.clock import now
from common.texts import isolated
from registration.models.registrations import SEVERITIES


class Event(models.Model):
    """One thing that happens at a point in time, as its source tells it.

    ``source`` and ``external_id`` name it: publishing the same pair again updates the row.
    """

    source = models.CharField(max_length=100, help_text="“calendar:3”, “registration”, “system” …")
    external_id = models.CharField(max_length=255, help_text="The source's own name of it.")
    series = models.CharField(
        max_length=32, blank=True, default="", help_text="What tells the events of one repeating entry."
    )
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    location = models.CharField(max_length=500, blank=True)
    attendees = models.TextField(blank=True, help_text="Names and addresses, a line each.")
    url = models.CharField(max_length=1000, blank=True)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES, default=10)
    labels = models.JSONField(default=dict, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(help_text="Notices of the event expire at this time.")
    is_all_day = models.BooleanField(default=False)
    starts_on = models.DateField(
        null=True, blank=True, help_text="The day that an event which lasts all day begins, in any zone."
    )
    canceled_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Rises with every change.")
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["starts_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "external_id"], name="event_once_a_source"),
            models.CheckConstraint(
                name="event_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
            ),
            models.CheckConstraint(
                name="event_deadline_after_start", condition=Q(deadline_at__gte=F("starts_at"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["deadline_at"], name="event_deadline"),
            models.Index(fields=["series"], name="event_series"),
            models.Index(fields=["starts_at"], name="event_start"),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return isolated(self.title)
