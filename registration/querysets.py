"""Named sets of members, targets, registrations and calendars."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from common.clock import now
from common.db import lookups

if TYPE_CHECKING:
    from registration.models import Calendar, Member, Registration, Target, Verification


class MemberQuerySet(models.QuerySet["Member"]):
    """Sets of members."""

    def active(self) -> Self:
        """Members whose account is switched on."""
        return self.filter(user__is_active=True)


class TargetQuerySet(models.QuerySet["Target"]):
    """Sets of targets."""

    def usable(self) -> Self:
        """Targets that may be told something now."""
        return self.filter(verified_at__isnull=False, disabled_at__isnull=True)

    def with_usable(self) -> Self:
        """Say of each, in a column ``usable``, whether it may be told something now."""
        is_usable = Q(verified_at__isnull=False, disabled_at__isnull=True)
        return self.annotate(usable=models.ExpressionWrapper(is_usable, output_field=models.BooleanField()))

    def disable(self, reason: str) -> int:
        """Switch off those that are still on, and return how many that were."""
        return self.filter(disabled_at__isnull=True).update(disabled_at=now(), disabled_reason=reason[:300])


class VerificationQuerySet(models.QuerySet["Verification"]):
    """Sets of verification codes."""

    def open(self) -> Self:
        """Codes that may still be typed."""
        return self.filter(used_at__isnull=True, tries_left__gt=0, expires_at__gt=now())


class RegistrationQuerySet(models.QuerySet["Registration"]):
    """Sets of registrations."""

    def in_force(self) -> Self:
        """Registrations that bring notices: switched on, not declined, of an active account."""
        return self.filter(is_active=True, declined_at__isnull=True, member__user__is_active=True)

    def unplanned(self) -> Self:
        """Registrations whose deliveries do not follow their last change yet."""
        return self.filter(planned_version=0)

    def changed(self, **columns: object) -> int:
        """Set columns, if any, and have the planner look at these again, within a second."""
        return self.update(version=F("version") + 1, planned_version=0, updated_at=now(), **columns)


class CalendarQuerySet(models.QuerySet["Calendar"]):
    """Sets of calendars."""

    def visible_to(self, member: "Member") -> Self:
        """Calendars that a member may use: the member's own and those given to everybody."""
        return self.filter(Q(owner=member) | Q(owner__isnull=True))

    def due(self, at: datetime) -> Self:
        """Calendars whose next reading is due and that no sync reads at present."""
        return self.active().free(at).filter(next_sync_at__lte=at)

    def active(self) -> Self:
        """Calendars that are switched on."""
        return self.filter(is_active=True)

    def free(self, at: datetime) -> Self:
        """Calendars that no sync reads at present."""
        return self.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=at))

    def lock(self) -> list[int]:
        """Keep syncs from writing until the transaction ends, once those that write have ended; return the keys.

        Call this before removing calendars: entries that are written meanwhile would hold on
        to a calendar that goes.
        """
        return list(self.select_for_update().order_by("pk").values_list("pk", flat=True))
