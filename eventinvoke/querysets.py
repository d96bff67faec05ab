"""Named sets of deliveries and of what is prepared, and the updates that change a delivery's state."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest

from common.clock import now
from common.db import bulk, lookups
from common.states import State, before

if TYPE_CHECKING:
    from eventinvoke.models import Delivery, Prepared

TIME_IS_OVER: Final = "Its time was over before it could be sent."
TOLD_BY_TWIN: Final = "The same meeting in another calendar told this."
"""The reason of a delivery that expired because its deadline had passed."""


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

    def cancel(self, reason: str, *, for_good: bool = False, settled_at: datetime | None = None) -> int:
        """Cancel those that are still pending, and return how many that were.

        They give their place free, so that the next plan may want the same again; ``for_good``, when
        a person decided it, they keep it, and no plan brings them back.
        """
        changes = {} if for_good else {"slot": F("pk")}
        return self.pending().update(
            state=State.CANCELED, reason=reason[:300], settled_at=settled_at or now(), **changes
        )

    def restore_wrongly_expired(self, at: datetime) -> int:
        """Put back what expired though its deadline is still ahead at ``at``; return how many those were.

        A clock that was wrong had its deadline pass too early. It is tried when it is due, or at once.
        What expired for another reason stays as it is.
        """
        wrong = self.filter(state=State.EXPIRED, deadline_at__gt=at, reason=TIME_IS_OVER)
        next_at = Greatest(F("due_at"), models.Value(at, models.DateTimeField()))
        return wrong.update(state=State.PENDING, reason="", settled_at=None, next_attempt_at=next_at)


class PreparedQuerySet(models.QuerySet["Prepared"]):
    """Sets of what is prepared."""

    def take(self, pks: Collection[int]) -> dict[int, tuple[UUID, bytes]]:
        """Take out what is prepared for some deliveries: the attempt's id and the body, by delivery."""
        taken = bulk.take(self.model, pks, ("delivery", "attempt_id", "body"))
        return {pk: (_uuid(attempt_id), bytes(body)) for pk, attempt_id, body in taken}


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
