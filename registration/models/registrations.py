"""Registrations: a member's standing wish to be told, and its plan of steps."""

from datetime import time, timedelta
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from common.channels import Severity
from common.clock import now
from common.texts import isolated
from registration.models.calendars import PREFIX, Calendar
from registration.models.members import Member
from registration.models.targets import Target
from registration.offsets import say_offset
from registration.querysets import RegistrationQuerySet

NINE: Final = time(9)
SEVERITIES = [(Severity.INFO, "Normal"), (Severity.WARNING, "Important"), (Severity.CRITICAL, "Critical")]


def title_only() -> list[str]:
    """Return the fields that a pattern is tried on unless others are chosen."""
    return ["title"]


class Registration(models.Model):
    """Which events a member wants notice of.

    A ``DATE`` registration is itself the source of one event (``title``, ``starts_at`` …). A
    ``STANDING`` one matches the events of its calendar or ``source`` (of all calendars that the member
    may see when neither is given) of which one of ``fields`` fits ``pattern``, none fits ``exclude``,
    and whose labels hold all of ``labels``. Patterns are RE2 (searched, case ignored), or plain words
    that all have to be there. While a matching event of a ``MUTE`` one runs, the member's notices from
    ``muted_sources`` are held back and told of afterwards; while one of an ``AWAY`` one runs, plans with
    ``skips_away`` pass the member over.

    Every change of a registration or its steps goes through the QuerySet's ``changed()``, which raises
    ``version`` and sets ``planned_version`` to 0, until the planner has brought the deliveries in line.
    """

    class Kind(models.TextChoices):
        """A single event, or all events that match a search."""

        DATE = "date", "Single event"
        STANDING = "standing", "Events matching a search"

    class Action(models.TextChoices):
        """What happens when an event matches."""

        NOTIFY = "notify", "Notify me"
        MUTE = "mute", "Mute other notices during the event"
        AWAY = "away", "I am away during the event"

    class Syntax(models.TextChoices):
        """How the patterns are written."""

        REGEX = "regex", "regular expression"
        WORDS = "words", "words"

    class Field(models.TextChoices):
        """What of an event a pattern may be tried on."""

        TITLE = "title", "title"
        LOCATION = "location", "location"
        DESCRIPTION = "description", "description"
        ORGANISER = "organiser", "organiser"
        ATTENDEES = "attendees", "attendees"

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="registrations")
    created_by = models.ForeignKey(
        Member, on_delete=models.SET_NULL, related_name="registrations_made", null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    action = models.CharField(max_length=10, choices=Action.choices, default=Action.NOTIFY)
    name = models.CharField(max_length=150, help_text="Its name in the panel.")

    title = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    location = models.CharField(max_length=500, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES, default=Severity.INFO)

    calendar = models.ForeignKey(
        Calendar, on_delete=models.CASCADE, related_name="registrations", null=True, blank=True
    )
    source = models.CharField(
        max_length=100, blank=True, help_text="A source's name, when it is not a calendar."
    )
    syntax = models.CharField(max_length=10, choices=Syntax.choices, default=Syntax.REGEX)
    pattern = models.CharField(max_length=500, blank=True)
    exclude = models.CharField(max_length=500, blank=True, help_text="Events that match this are left out.")
    fields = models.JSONField(default=title_only, blank=True, help_text="The fields to search.")
    labels = models.JSONField(default=dict, blank=True)

    text = models.TextField(
        blank=True, help_text="The text of the notice, with fields in braces; empty: the usual text."
    )
    all_day_at = models.TimeField(
        default=NINE, help_text="When an all-day event starts for the plan, in the member's time zone."
    )
    skips_away = models.BooleanField(
        default=False, help_text="Members who are away are skipped, and the next step comes at once."
    )
    muted_sources = models.JSONField(
        default=list, blank=True, help_text="Sources whose notices are muted; empty: all."
    )

    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Rises with every change.")
    planned_version = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="The version that its deliveries follow; 0 from a change until it is planned.",
    )
    declined_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                name="registration_unplanned",
                condition=Q(planned_version=0),
            ),
            models.Index(fields=["kind", "is_active"], name="registration_standing"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="registration_date_has_title_and_start",
                condition=~Q(kind="date") | (Q(starts_at__isnull=False) & ~Q(title="")),
                violation_error_message="A single event needs a title and a start.",
            ),
            models.CheckConstraint(
                name="registration_standing_has_pattern",
                condition=~Q(kind="standing") | ~Q(pattern=""),
                violation_error_message="Events matching a search need search terms.",
            ),
            models.CheckConstraint(
                name="registration_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=models.F("starts_at")),
                violation_error_message="The end can't be before the start.",
            ),
            models.CheckConstraint(
                name="registration_date_notifies",
                condition=~Q(kind="date") | Q(action="notify"),
                violation_error_message="A single event can only notify.",
            ),
        ]

    def __str__(self) -> str:
        """Return the registration's name."""
        return isolated(self.name)

    @property
    def is_planned(self) -> bool:
        """Whether the deliveries follow its last change."""
        return self.planned_version != 0

    @property
    def is_in_force(self) -> bool:
        """Whether it brings notices: switched on and not declined."""
        return self.is_active and self.declined_at is None

    @property
    def named_source(self) -> str:
        """The one source that a standing registration looks at; "" where it names none."""
        return self.source if self.calendar_id is None else f"{PREFIX}{self.calendar_id}"


class Step(models.Model):
    """One line of a plan: which target, how long before or after the start, and on what condition."""

    class Condition(models.TextChoices):
        """When a step is carried out."""

        UNCONFIRMED = "unconfirmed", "unless acknowledged"
        ALWAYS = "always", "always"

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="steps")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="steps")
    offset = models.DurationField(default=timedelta(minutes=-10), help_text="Before the start: negative.")
    condition = models.CharField(max_length=12, choices=Condition.choices, default=Condition.UNCONFIRMED)
    redials = models.PositiveSmallIntegerField(
        default=1,
        help_text="How many more calls follow one that is busy or not answered, if the plan has nothing else.",
    )

    class Meta:
        ordering: ClassVar = ["offset", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["registration", "target", "offset"],
                name="step_once",
                violation_error_message="The plan has this step already.",
            ),
            models.CheckConstraint(
                name="step_offset_sane",
                condition=Q(offset__gte=timedelta(days=-60)) & Q(offset__lte=timedelta(days=7)),
                violation_error_message="A step is at most 60 days before and 7 days after the start.",
            ),
        ]

    def __str__(self) -> str:
        """Say when and by what."""
        return f"{self.target}, {say_offset(self.offset)}"
