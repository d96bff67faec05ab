"""Deliveries: one event, one start, one target, one due time. This table is the queue."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.clock import now
from common.db.loose import LOOSE, loose
from common.states import State
from eventinvoke.models.events import Event
from eventinvoke.querysets import DeliveryQuerySet
from registration.models import Member, Registration, Step, Target
from registration.models.registrations import SEVERITIES


def report_until(instant: datetime) -> datetime:
    """Return until when a provider that took something at ``instant`` has to have reported about it."""
    return instant + timedelta(seconds=settings.NOTICE_REPORT_SECONDS)


@loose("member", "target", "registration", "step")
class Delivery(models.Model):
    """One notice that is to reach one target at one time, about one start of its event.

    ``due_at`` is when the plan wants it; ``next_attempt_at`` when it is tried next. Only the
    functions of this app change ``state``, each by one conditional UPDATE (``common.states``).

    Member, target, registration and step are references without a constraint: the row keeps the id
    when what it names is deleted, ``recipient`` and ``shown`` say who that was, and deleting one of
    them touches no delivery. The foreign keys that no query starts from have no index: each index is
    paid for with every change of a state, and a batch changes thousands.
    """

    class Origin(models.TextChoices):
        """What asked for the delivery."""

        PLAN = "plan", "a plan"
        SNOOZE = "snooze", "a snooze"
        REDIAL = "redial", "a second call"
        CHANGE = "change", "the event was moved or takes place after all"
        CANCELED = "canceled", "the event was canceled"
        DIGEST = "digest", "a digest"
        DIRECT = "direct", "a notice to one member"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    member = models.ForeignKey(Member, related_name="deliveries", **LOOSE)
    target = models.ForeignKey(Target, related_name="deliveries", **LOOSE)
    registration = models.ForeignKey(Registration, related_name="deliveries", **LOOSE)
    step = models.ForeignKey(Step, related_name="+", **LOOSE)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.PLAN)
    recipient = models.CharField(
        max_length=150, blank=True, default="", help_text="The member's name when it was planned."
    )
    shown = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The target as a person reads it, when it was planned.",
    )
    condition = models.CharField(
        max_length=12, choices=Step.Condition.choices, default=Step.Condition.UNCONFIRMED
    )
    kind = models.CharField(max_length=20)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)

    starts_at = models.DateTimeField(help_text="The start of the event that it is about.")
    due_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in State], default=State.PENDING
    )
    attempts = models.PositiveIntegerField(
        default=0, help_text="Tries so far; also what a late worker is known by."
    )
    lease_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Until then its worker has recorded a result, or its provider or browser has reported.",
    )
    slot = models.BigIntegerField(default=0, editable=False, help_text="0, or its own id once canceled.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is in its state.")
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was suppressed, canceled, expired or known to be missed."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_at", "pk"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            # Two plans that ask for the same thing at the same time share one row. A canceled row
            # frees its place (``slot``), so that an event may be reinstated.
            models.UniqueConstraint(
                fields=["event", "target", "due_at", "starts_at", "slot"], name="delivery_once_a_start"
            ),
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
                fields=["member", "starts_at"], name="delivery_upcoming", condition=Q(state="pending")
            ),
            models.Index(
                fields=["lease_until"], name="delivery_lease", condition=Q(lease_until__isnull=False)
            ),
            models.Index(fields=["deadline_at"], name="delivery_expired", condition=Q(state="expired")),
            models.Index(fields=["member", "due_at"], name="delivery_of_member"),
            models.Index(
                fields=["settled_at"], name="delivery_undelivered", condition=Q(state="undelivered")
            ),
        ]

    def __str__(self) -> str:
        """Say what, how and when."""
        return f"{self.kind} at {self.due_at:%Y-%m-%d %H:%M:%S}"

    def follow_up(self, origin: "Delivery.Origin", at: datetime) -> "Delivery":
        """Return an unsaved delivery of the same start to the same target, due later."""
        return Delivery(
            event_id=self.event_id,
            member_id=self.member_id,
            target_id=self.target_id,
            registration_id=self.registration_id,
            step_id=self.step_id,
            origin=origin,
            recipient=self.recipient,
            shown=self.shown,
            condition=Step.Condition.UNCONFIRMED,
            kind=self.kind,
            severity=self.severity,
            starts_at=self.starts_at,
            due_at=at,
            next_attempt_at=at,
            deadline_at=self.deadline_at,
        )


@loose("step")
class Share(models.Model):
    """A further plan that wants a delivery which another plan asked for first.

    The first plan is named by the delivery itself; most deliveries have no other.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="shares", db_index=False)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="shares")
    step = models.ForeignKey(Step, related_name="+", **LOOSE)
    condition = models.CharField(max_length=12, choices=Step.Condition.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "registration"], name="share_once"),
        ]

    def __str__(self) -> str:
        """Name both."""
        return f"delivery {self.delivery_id} for registration {self.registration_id}"
