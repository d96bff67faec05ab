"""Why a delivery does not go out, and what follows from that for its plans."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.planning.escalation import Cause, Miss, bring_forward
from eventinvoke.sending.compose import Row


class Aside(NamedTuple):
    """Why a delivery does not go out, and what follows for its plans."""

    state: State
    reason: str
    cause: Cause | None = Cause.FAILED
    """None where it is no miss."""

    def write(self, rows: Sequence[Row], instant: datetime) -> None:
        """Settle some deliveries, and let their plans go on."""
        deliveries = Delivery.objects.filter(pk__any_of=[row.pk for row in rows])
        if self.state == State.CANCELED:
            deliveries.cancel(self.reason, settled_at=instant)
        else:
            deliveries.move_to(self.state, reason=self.reason, settled_at=instant, lease_until=None)
        if self.cause is not None:
            bring_forward([Miss(row.pk, self.cause) for row in rows])
