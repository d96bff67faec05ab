"""Named sets of deliveries, and the conditional updates that change their state."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F

from common import lookups
from common.states import State, before

if TYPE_CHECKING:
    from eventinvoke.models import Delivery


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Sets of deliveries."""

    def pending(self) -> Self:
        """Deliveries that were not tried yet, or that wait for another try."""
        return self.filter(state=State.PENDING)

    def due(self, kind: str, severity: int, at: datetime) -> Self:
        """Pending deliveries of one kind and severity whose time has come, the oldest first."""
        rows = self.filter(kind=kind, severity=severity, state=State.PENDING, next_attempt_at__lte=at)
        return rows.order_by("next_attempt_at")

    def move_to(self, new: State, **changes: object) -> int:
        """Bring those that may go there into a state, and return how many went.

        ``changes`` are more columns to set on the same rows.
        """
        return self.filter(state__in=before(new)).update(state=new, **changes)

    def cancel(self, reason: str, *, for_good: bool = False) -> int:
        """Cancel those that are still pending, and return how many that were.

        They give their place free, so that the next plan may want the same again; ``for_good``, when
        a person decided it, they keep it, and no plan brings them back.
        """
        changes = {} if for_good else {"slot": F("pk")}
        return self.pending().update(state=State.CANCELED, reason=reason[:300], **changes)
