"""Periods: when a member is muted or away, as the events say that a registration matches."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from eventinvoke.models.events import Event
from registration.models import Member, Registration


class Period(models.Model):
    """While it runs, a member's notices are held back (MUTE), or plans pass the member over (AWAY)."""

    class Kind(models.TextChoices):
        """Why."""

        MUTE = "mute", "muted"
        AWAY = "away", "away"

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="periods", db_index=False)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="periods")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="periods", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    summarised_at = models.DateTimeField(
        null=True, blank=True, help_text="When the member was told what had been held back."
    )

    class Meta:
        ordering: ClassVar = ["starts_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "registration"], name="period_once"),
            models.CheckConstraint(name="period_ends_after_start", condition=Q(ends_at__gte=F("starts_at"))),
        ]
        indexes: ClassVar = [models.Index(fields=["member", "ends_at"], name="period_of_member")]

    def __str__(self) -> str:
        """Say when it is."""
        return f"{self.kind} from {self.starts_at:%Y-%m-%d %H:%M}"
