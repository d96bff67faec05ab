"""Calendars that members bring; ``eventupdate`` reads them."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.clock import now
from common.fields import EncryptedTextField
from registration.models.members import Member
from registration.querysets import CalendarQuerySet


class Calendar(models.Model):
    """An outside calendar: its address or its uploaded text, and how the last reading went.

    ``owner`` is None for a calendar that an administrator gives to everybody.
    """

    class Kind(models.TextChoices):
        """Where the entries come from."""

        ICAL_URL = "ical_url", "iCalendar address"
        ICAL_FILE = "ical_file", "iCalendar file"

    owner = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="calendars", null=True, blank=True
    )
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.ICAL_URL)
    url = EncryptedTextField(blank=True, default="", help_text="A secret: many feeds carry a key in it.")
    content = models.TextField(blank=True, default="", editable=False, help_text="What was uploaded.")
    default_time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="For entries that name no zone. Empty: the calendar's own, or UTC.",
    )
    interval = models.DurationField(default=timedelta(minutes=5), help_text="Time between two readings.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    etag = models.CharField(max_length=300, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    expanded_until = models.DateTimeField(null=True, blank=True, editable=False)
    next_sync_at = models.DateTimeField(default=now, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    problem = models.CharField(max_length=300, blank=True, editable=False)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["next_sync_at"], name="calendar_due", condition=Q(is_active=True)),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="calendar_interval_positive",
                condition=Q(interval__gt=timedelta(0)),
                violation_error_message="The time between two readings must be more than nothing.",
            ),
        ]

    def __str__(self) -> str:
        """Return the calendar's name."""
        return self.name

    @property
    def source(self) -> str:
        """The source name of the events that come from this calendar."""
        return f"calendar:{self.pk}"
