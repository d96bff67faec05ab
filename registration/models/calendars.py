"""Calendars that members bring, and the accounts that some are read through; ``eventupdate`` reads them."""

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from common.clock import now
from common.fields import EncryptedTextField
from common.texts import isolated
from registration.models.members import Member
from registration.querysets import CalendarQuerySet

PREFIX: Final = "calendar:"
"""The names of the sources that calendars are begin with it (``registration.sources.CALENDAR``)."""


class CalendarAccount(models.Model):
    """An account with a provider, through which one or several calendars are read.

    ``owner`` is None for one that an administrator connected for calendars that are shared with everyone.
    """

    class Provider(models.TextChoices):
        """Whose account it is."""

        GOOGLE = "google", "Google Calendar"
        CALDAV = "caldav", "CalDAV"

    owner = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="calendar_accounts", null=True, blank=True
    )
    provider = models.CharField(max_length=20, choices=Provider.choices)
    name = models.CharField(max_length=200, help_text="As a person reads it: an e-mail address, a server.")
    url = models.CharField(max_length=1000, blank=True, help_text="Where a CalDAV server begins.")
    credentials = EncryptedTextField(
        blank=True, default="", editable=False, help_text="JSON: OAuth tokens, or a user name and a password."
    )
    refused_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The provider wants the member to connect again."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["provider", "name", "pk"]

    def __str__(self) -> str:
        """Return the account's name."""
        return isolated(self.name)


class Calendar(models.Model):
    """An outside calendar: where it is read from, and how the last reading went.

    ``owner`` is None for a calendar that an administrator shares with everyone.
    """

    class Kind(models.TextChoices):
        """Where the entries come from."""

        ICAL_URL = "ical_url", "iCalendar address"
        ICAL_FILE = "ical_file", "iCalendar file"
        GOOGLE = "google", "Google Calendar"
        CALDAV = "caldav", "CalDAV"

    owner = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="calendars", null=True, blank=True
    )
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.ICAL_URL)
    url = EncryptedTextField(blank=True, default="", help_text="A secret: many feeds carry a key in it.")
    content = models.TextField(blank=True, default="", editable=False, help_text="What was uploaded.")
    user_name = EncryptedTextField(blank=True, default="", help_text="Where the address asks for one.")
    password = EncryptedTextField(blank=True, default="")
    account = models.ForeignKey(
        CalendarAccount, on_delete=models.CASCADE, related_name="calendars", null=True, blank=True
    )
    remote_id = models.CharField(
        max_length=1000, blank=True, help_text="What the account's provider calls it: an id, or an address."
    )
    default_time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="For entries that name no zone. Empty: the calendar's own, or UTC.",
    )
    canceled_titles = models.CharField(
        max_length=300,
        blank=True,
        help_text="Words, separated by commas: an event with one of them in its title counts as canceled.",
    )
    interval = models.DurationField(default=timedelta(minutes=5), help_text="Time between two readings.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    etag = models.CharField(max_length=300, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    sync_token = models.TextField(blank=True, editable=False, help_text="Where the provider's changes go on.")
    source_time_zone = models.CharField(
        max_length=200, blank=True, editable=False, help_text="The zone that the source calls its own."
    )
    expanded_in = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="The zone and the words for canceled titles that its events were made with.",
    )
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
        return isolated(self.name)

    @property
    def source(self) -> str:
        """The source name of the events that come from this calendar."""
        return f"{PREFIX}{self.pk}"
