"""The entries of calendars as they were last read, for comparison with the next reading."""

from typing import ClassVar

from django.db import models

from registration.models import Calendar


class Entry(models.Model):
    """One resource of a calendar as it was last read, with all that its times depend on."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="entries", db_index=False)
    key = models.CharField(
        max_length=255, help_text="The source's name of it: a UID, an id, a path; or its hash."
    )
    series = models.CharField(
        max_length=32,
        help_text="A hash of the UID: resources that are expanded together, and their events.",
    )
    version = models.CharField(max_length=255, help_text="An ETag, or a hash of the text.")
    text = models.BinaryField(help_text="Its VEVENTs and the VTIMEZONEs they need, compressed (zlib).")
    is_recurring = models.BooleanField(default=False)
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="The start of one that does not recur; else None."
    )
    problem = models.CharField(
        max_length=150, blank=True, help_text="Why it can't be read completely; its events stay."
    )
    note = models.CharField(max_length=150, blank=True, help_text="What was passed over or is ambiguous.")
    unknown_zone = models.CharField(max_length=60, blank=True, help_text="A time zone that means nothing.")

    class Meta:
        verbose_name_plural = "entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "key"], name="entry_once_a_calendar"),
        ]
        indexes: ClassVar = [models.Index(fields=["calendar", "series"], name="entry_of_series")]

    def __str__(self) -> str:
        """Return the key."""
        return self.key
