"""Registrations: a member's standing wish to be told, and its plan of steps."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.channels import Severity
from common.clock import now
from registration.models.calendars import Calendar
from registration.models.members import Member
from registration.models.targets import Target
from registration.querysets import RegistrationQuerySet

SEVERITIES = [(Severity.INFO, "Normal"), (Severity.WARNING, "Important"), (Severity.CRITICAL, "Critical")]


class Registration(models.Model):
    """Which events a member wants notice of.

    A ``DATE`` registration is itself the source of one event (``title``, ``starts_at`` …). A
    ``STANDING`` one matches the events of ``source`` (all sources when empty) whose title fits
    ``pattern`` (RE2, searched, case ignored) and whose labels hold all of ``labels``.

    ``is_planned`` is False from any change until the planner has brought its deliveries in line;
    whoever changes a registration or its steps goes through the QuerySet's ``changed()``.
    """

    class Kind(models.TextChoices):
        """One date, or everything that matches."""

        DATE = "date", "One date"
        STANDING = "standing", "Matching events"

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="registrations")
    created_by = models.ForeignKey(
        Member, on_delete=models.SET_NULL, related_name="registrations_made", null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=150, help_text="What it is called in the panel.")

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
    pattern = models.CharField(max_length=500, blank=True)
    labels = models.JSONField(default=dict, blank=True)

    is_active = models.BooleanField(default=True)
    is_planned = models.BooleanField(default=False, editable=False)
    declined_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="registration_unplanned", condition=Q(is_planned=False)),
            models.Index(fields=["kind", "is_active"], name="registration_standing"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="registration_date_has_title_and_start",
                condition=~Q(kind="date") | (Q(starts_at__isnull=False) & ~Q(title="")),
                violation_error_message="One date needs a title and a time.",
            ),
            models.CheckConstraint(
                name="registration_standing_has_pattern",
                condition=~Q(kind="standing") | ~Q(pattern=""),
                violation_error_message="A standing registration needs a pattern.",
            ),
            models.CheckConstraint(
                name="registration_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=models.F("starts_at")),
                violation_error_message="The end can't be before the start.",
            ),
        ]

    def __str__(self) -> str:
        """Return the registration's name."""
        return self.name

    @property
    def is_in_force(self) -> bool:
        """Whether it brings notices: switched on and not declined."""
        return self.is_active and self.declined_at is None


class Step(models.Model):
    """One line of a plan: which target, how long before or after the start, and on what condition."""

    class Condition(models.TextChoices):
        """When a step is carried out."""

        UNCONFIRMED = "unconfirmed", "only while nobody has confirmed"
        ALWAYS = "always", "always"

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="steps")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="steps")
    offset = models.DurationField(default=timedelta(minutes=-10), help_text="Before the start: negative.")
    condition = models.CharField(max_length=12, choices=Condition.choices, default=Condition.UNCONFIRMED)

    class Meta:
        ordering: ClassVar = ["offset", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["registration", "target", "offset"],
                name="step_once",
                violation_error_message="This step is in the plan already.",
            ),
            models.CheckConstraint(
                name="step_offset_sane",
                condition=Q(offset__gte=timedelta(days=-60)) & Q(offset__lte=timedelta(days=7)),
                violation_error_message="A step is at most 60 days before and 7 days after the start.",
            ),
        ]

    def __str__(self) -> str:
        """Say when and by what."""
        return f"{self.target} at {self.offset}"
