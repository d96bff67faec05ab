"""Deliveries: one event, one step, one target, one due time. This table is the queue."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.clock import now
from common.states import State
from eventinvoke.models.events import Event
from eventinvoke.querysets import DeliveryQuerySet
from registration.models import Member, Registration, Step, Target
from registration.models.registrations import SEVERITIES


def report_until(instant: datetime) -> datetime:
    """Return until when a provider that took something at ``instant`` has to have reported about it."""
    return instant + timedelta(seconds=settings.NOTICE_REPORT_SECONDS)


class Delivery(models.Model):
    """One notice that is to reach one target at one time.

    ``due_at`` is when the plan wants it; ``next_attempt_at`` when it is tried next. Only the
    functions of this app change ``state``, each by one conditional UPDATE (``common.states``).

    The foreign keys that no query starts from have no index: each index is paid for with every
    change of a state, and a batch changes thousands.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    registration = models.ForeignKey(
        Registration,
        on_delete=models.SET_NULL,
        related_name="deliveries",
        null=True,
        blank=True,
        db_index=False,
    )
    step = models.ForeignKey(Step, on_delete=models.SET_NULL, null=True, blank=True, db_index=False)
    condition = models.CharField(
        max_length=12, choices=Step.Condition.choices, default=Step.Condition.UNCONFIRMED
    )
    kind = models.CharField(max_length=20)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)

    due_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in State], default=State.PENDING
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Tries so far; also what a late worker is known by."
    )
    lease_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Somebody looks after it then: its worker must have come back, its provider have reported.",
    )
    slot = models.BigIntegerField(default=0, editable=False, help_text="0, or its own id once canceled.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it stands where it stands.")
    is_snooze = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_at", "pk"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            # Two registrations that ask for the same thing at the same time tell it once. What was
            # canceled gives its place free (``slot``), so that an event may be reinstated.
            models.UniqueConstraint(fields=["event", "target", "due_at", "slot"], name="delivery_once"),
            models.CheckConstraint(
                name="delivery_state_known", condition=Q(state__in=[s.value for s in State])
            ),
            models.CheckConstraint(
                name="delivery_sending_has_lease",
                condition=~Q(state="sending") | Q(lease_until__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["kind", "severity", "next_attempt_at"],
                name="delivery_due",
                condition=Q(state="pending"),
            ),
            models.Index(fields=["registration"], name="delivery_planned", condition=Q(state="pending")),
            models.Index(
                fields=["lease_until"], name="delivery_lease", condition=Q(lease_until__isnull=False)
            ),
            models.Index(fields=["member", "due_at"], name="delivery_of_member"),
        ]

    def __str__(self) -> str:
        """Say what, how and when."""
        return f"{self.kind} at {self.due_at:%Y-%m-%d %H:%M:%S}"
