"""Events, the deliveries that they cause, each try, and what was heard of it."""

from eventinvoke.models.answers import Answer
from eventinvoke.models.attempts import Attempt, Receipt
from eventinvoke.models.changes import EventChange
from eventinvoke.models.deliveries import Delivery, Share
from eventinvoke.models.events import Event
from eventinvoke.models.heartbeats import Heartbeat
from eventinvoke.models.held import Held
from eventinvoke.models.inbox import InboxMark
from eventinvoke.models.limits import DailyCount, RateLimit
from eventinvoke.models.periods import Period
from eventinvoke.models.prepared import Prepared
from eventinvoke.models.tallies import Tally
from eventinvoke.models.unplanned import Unplanned

__all__ = [
    "Answer",
    "Attempt",
    "DailyCount",
    "Delivery",
    "Event",
    "EventChange",
    "Heartbeat",
    "Held",
    "InboxMark",
    "Period",
    "Prepared",
    "RateLimit",
    "Receipt",
    "Share",
    "Tally",
    "Unplanned",
]
