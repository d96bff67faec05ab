"""Attempts, written before a provider is called, and receipts, written when it reports."""

import os
import time
import uuid
from datetime import datetime
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from common.channels import Outcome
from common.clock import now
from eventinvoke.models.deliveries import Delivery

_RANDOM_BYTES = 10
_PROVIDER_ID = 200
REFUSED: Final = (
    Outcome.GONE.value,
    Outcome.MISCONFIGURED.value,
    Outcome.REJECTED.value,
    Outcome.RETRY.value,
    Outcome.UNKNOWN.value,
)
"""Outcomes of tries that a provider did not take, or about which it is not known."""


def new_attempt_ids(count: int) -> list[uuid.UUID]:
    """Return UUIDs of version 7 (RFC 9562, section 5.7): rows made together lie together."""
    begun = (time.time_ns() // 1_000_000 << 80) | 0x7 << 76 | 0x2 << 62
    noise = os.urandom(_RANDOM_BYTES * count)
    keep = ~(0xF << 76 | 0x3 << 62)
    return [
        uuid.UUID(int=begun | (int.from_bytes(noise[at : at + _RANDOM_BYTES]) & keep))
        for at in range(0, len(noise), _RANDOM_BYTES)
    ]


def new_attempt_id() -> uuid.UUID:
    """Return one such UUID."""
    return new_attempt_ids(1)[0]


def oldest_attempt_id(instant: datetime) -> uuid.UUID:
    """Return the least id of attempts that were made at an instant or later."""
    return uuid.UUID(int=int(instant.timestamp() * 1000) << 80)


class Attempt(models.Model):
    """One try of a delivery with a provider.

    The row stands before the provider is called, so that a worker's death leaves a trace of what
    may have been sent. ``outcome`` is "" until the provider's answer is recorded.
    """

    id = models.UUIDField(primary_key=True, default=new_attempt_id, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts_made")
    number = models.PositiveIntegerField(default=1, help_text="Which try of its delivery it is.")
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="The start of the event that this try told."
    )
    started_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    provider_id = models.CharField(max_length=_PROVIDER_ID, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["started_at", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="attempt_refused", condition=Q(outcome__in=REFUSED)),
        ]

    def __str__(self) -> str:
        """Say when it began and what became of it."""
        return f"{self.started_at:%H:%M:%S} {self.outcome or '…'}"

    def is_of(self, provider_id: str) -> bool:
        """Say whether this try is what a provider calls by this id.

        A try whose answer was lost has no id yet: it takes the first one that is reported.
        """
        named = provider_id[:_PROVIDER_ID]
        if not self.provider_id and named:
            Attempt.objects.filter(pk=self.pk, provider_id="").update(provider_id=named)
            self.refresh_from_db(fields=["provider_id"])
        return self.provider_id == named


class Receipt(models.Model):
    """What a provider, a phone key, a link or a service worker told us later, as it came.

    ``fingerprint`` is what makes a repeat recognisable; a repeated receipt is not stored again.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="receipts")
    status = models.CharField(max_length=32, help_text="In the provider's own word.")
    sequence = models.IntegerField(null=True, blank=True)
    fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    payload = models.JSONField(
        default=dict, blank=True, help_text="What came; emptied after NOTICE_KEEP_PAYLOADS_DAYS."
    )
    raw_at = models.DateTimeField(
        default=now,
        null=True,
        blank=True,
        editable=False,
        help_text="When the payload came; none once it is emptied.",
    )
    is_applied = models.BooleanField(default=False, help_text="It changed the delivery's state.")
    received_at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["received_at", "pk"]
        indexes: ClassVar = [models.Index(fields=["raw_at"], name="receipt_raw")]

    def __str__(self) -> str:
        """Return the provider's word."""
        return self.status
