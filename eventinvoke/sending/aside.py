"""Why a delivery does not go out, and what follows from that for its plans."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from common.states import State
from eventinvoke.models import Delivery, Tally
from eventinvoke.planning.escalation import Cause, Miss, bring_forward
from eventinvoke.sending.compose import Row

_COUNTED: Final = {State.EXPIRED: Tally.Topic.EXPIRED, State.FAILED: Tally.Topic.FAILED}


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
            moved = deliveries.move_to(self.state, reason=self.reason, settled_at=instant, lease_until=None)
            if moved and self.state in _COUNTED:
                kind = deliveries.values_list("kind", flat=True)[0]
                Tally.objects.note(kind, {_COUNTED[self.state]: moved})
        if self.cause is not None:
            bring_forward([Miss(row.pk, self.cause) for row in rows])
