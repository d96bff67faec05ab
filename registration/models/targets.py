"""Targets: the ways to reach a member, and the codes that show they are the member's own."""

import hashlib
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from common.channels import Adding, Contact, contact_of
from common.clock import now
from common.fields import EncryptedObjectField, EncryptedTextField, lookup_hash, lookup_hashes
from common.texts import isolated
from registration.models.members import Member
from registration.querysets import TargetQuerySet, VerificationQuerySet

SWITCHED_OFF: Final = "Switched off in the panel."
SWITCHED_OFF_BY_ADMINISTRATOR: Final = "Switched off by an administrator."
SWITCHED_OFF_BY_PEOPLE: Final = (SWITCHED_OFF, SWITCHED_OFF_BY_ADMINISTRATOR)
"""The reasons of targets that a person has switched off: only a person switches them on again."""


def fingerprint(address: str) -> str:
    """Return the keyed hash by which a target with this address is stored."""
    return lookup_hash(_digest(address))


def fingerprints(address: str) -> list[str]:
    """Return the keyed hashes by which a target with this address may be stored: one for each key in use."""
    return lookup_hashes(_digest(address))


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


_DIGITS = 4
"""An address with more digits than this is a number of which the middle is left out."""


def mask(shown: str) -> str:
    """Return an address as a record keeps it: ``+81 90 1234 5678`` as ``+81…78``, ``ann@example.org`` as ``a…@example.org``."""
    name, at, host = shown.rpartition("@")
    if at and name:
        return f"{name[0]}…@{host}"
    if sum(letter.isdigit() for letter in shown) > _DIGITS and not any(letter.isalpha() for letter in shown):
        return f"{shown[:3]}…{shown[-2:]}"
    return shown


class Target(models.Model):
    """One way to reach one member: this browser, that phone number.

    ``kind`` names a channel. A target is used once it is verified and until it is disabled, which
    the provider's word that it is gone does, or the member.
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="targets")
    kind = models.CharField(max_length=20)
    address = EncryptedTextField(
        help_text="As the channel normalised it. A push endpoint and a number are secrets."
    )
    fingerprint = models.CharField(max_length=64, editable=False, help_text="Keyed hash of the address.")
    shown = models.CharField(max_length=200, help_text="As a person reads it.")
    label = models.CharField(max_length=80, blank=True, help_text="A name, like “Work phone”.")
    config = EncryptedObjectField(default=dict, blank=True, help_text="The keys of a browser, for example.")
    created_at = models.DateTimeField(default=now, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    test_provider_id = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text="Of the last test."
    )
    tested_at = models.DateTimeField(null=True, blank=True, help_text="When a test was last asked for.")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    renewal_hash = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the token by which a browser renews its subscription (registration.browsers).",
    )
    renewal_hash_before = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the token before, in case the new one got lost.",
    )

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = "contact method"
        ordering: ClassVar = ["kind", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["member", "kind", "fingerprint"],
                name="target_once_a_member",
                violation_error_message="You have added this already.",
            ),
        ]

    def __str__(self) -> str:
        """Return the label, or the address as a person reads it."""
        return isolated(self.label or self.shown)

    @property
    def masked(self) -> str:
        """The label, or the address with its middle left out, for records that outlive the target."""
        return (self.label or mask(self.shown))[:200]

    @property
    def is_usable(self) -> bool:
        """Whether it may be told anything now."""
        return self.verified_at is not None and self.disabled_at is None

    @property
    def contact(self) -> Contact:
        """How its channel has it shown."""
        return contact_of(self.kind)

    @property
    def is_built_in(self) -> bool:
        """Whether every member has one like it, which can't be deleted."""
        return self.contact.adding is Adding.BUILT_IN


class Verification(models.Model):
    """A code that was sent to a target, kept hashed, good for few tries and a short time.

    The row outlives its target: deleting a target and adding it again starts no new count of codes,
    neither for the member nor for the address.
    """

    target = models.ForeignKey(
        Target, on_delete=models.SET_NULL, related_name="verifications", null=True, blank=True
    )
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="verifications", db_index=False)
    fingerprint = models.CharField(max_length=64, editable=False, help_text="Of the address.")
    provider_id = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        help_text="What the provider calls the message.",
    )
    code_hash = models.CharField(max_length=64)
    tries_left = models.PositiveSmallIntegerField(default=5)
    sent_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-sent_at"]
        indexes: ClassVar = [
            models.Index(fields=["member", "sent_at"], name="verification_of_member"),
            models.Index(fields=["sent_at"], name="verification_sent"),
            models.Index(fields=["fingerprint", "sent_at"], name="verification_of_address"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="verification_ends_later", condition=Q(expires_at__gt=models.F("sent_at"))
            ),
        ]

    def __str__(self) -> str:
        """Say when it was sent."""
        return f"code of {self.sent_at:%Y-%m-%d %H:%M}"
