"""People: the account that signs in, and the member who is told things."""

import datetime as dt
import zoneinfo
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from common.clock import now
from common.texts import isolated
from common.times import is_within, zone_of
from registration.querysets import MemberQuerySet


def check_time_zone(name: str) -> None:
    """Raise ``ValidationError`` for what is not the name of an IANA time zone."""
    if name not in zoneinfo.available_timezones():
        msg = f"“{name}” is not a time zone. Use a name like “Asia/Tokyo” or “UTC”."
        raise ValidationError(msg)


class User(AbstractUser):
    """An account that can sign in."""

    must_change_password = models.BooleanField(
        default=False,
        help_text="An administrator set the password; it has to be changed at the next sign-in.",
    )


class SignInTry(models.Model):
    """A try to sign in that did not succeed, or whose password is being looked at; kept for minutes."""

    key = models.CharField(max_length=64, help_text="Hash of the name and the place it was tried from.")
    place = models.CharField(max_length=64, blank=True, default="", help_text="Hash of the place.")
    name = models.CharField(max_length=64, blank=True, default="", help_text="Hash of the name.")
    tried_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        verbose_name = "sign-in try"
        verbose_name_plural = "sign-in tries"
        indexes: ClassVar = [
            models.Index(fields=["key", "tried_at"], name="sign_in_tries_of_key"),
            models.Index(fields=["place", "tried_at"], name="sign_in_tries_of_place"),
            models.Index(fields=["name"], name="sign_in_tries_of_name"),
        ]

    def __str__(self) -> str:
        """Say when it was."""
        return f"try of {self.tried_at:%Y-%m-%d %H:%M}"


class SignInPlace(models.Model):
    """A place from which a name has signed in lately; both are kept in one hash."""

    key = models.CharField(max_length=64, unique=True, help_text="Hash of the name and the place.")
    used_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        verbose_name = "place of a sign-in"
        verbose_name_plural = "places of sign-ins"

    def __str__(self) -> str:
        """Say when it was."""
        return f"sign-in of {self.used_at:%Y-%m-%d %H:%M}"


class Member(models.Model):
    """A person who is told things: in which zone and language, and when to be left alone."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member")
    name = models.CharField(max_length=150)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    language = models.CharField(max_length=16, default="en", choices=settings.LANGUAGES)
    quiet_from = models.TimeField(null=True, blank=True, help_text="Only critical notices from this time …")
    quiet_until = models.TimeField(
        null=True, blank=True, help_text="… until this time, in the member's time zone."
    )
    daily_cap = models.PositiveIntegerField(
        null=True, blank=True, default=200, help_text="Notices per day. Empty: no limit."
    )
    critical_reserve = models.PositiveIntegerField(
        default=20, help_text="How many of them are reserved for critical notices."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    objects = MemberQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="member_quiet_hours_have_both_ends",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                violation_error_message="Quiet hours need a start and an end.",
            ),
            models.CheckConstraint(
                name="member_reserve_within_cap",
                condition=Q(daily_cap__isnull=True) | Q(critical_reserve__lte=F("daily_cap")),
                violation_error_message="The reserve for critical notices can't be larger than the daily limit.",
            ),
        ]

    def __str__(self) -> str:
        """Return the member's name."""
        return isolated(self.name)

    def is_quiet(self, instant: dt.datetime) -> bool:
        """Say whether ``instant`` lies in the member's quiet hours, on the member's own clock."""
        return is_within(instant.astimezone(self.zone).time(), self.quiet_from, self.quiet_until)

    @property
    def zone(self) -> dt.tzinfo:
        """The member's time zone; UTC where this machine does not know it."""
        return zone_of(self.time_zone)
