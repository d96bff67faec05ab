"""Events, the deliveries that they cause, each try, and what was heard of it."""

from eventinvoke.models.answers import Answer
from eventinvoke.models.attempts import Attempt, Receipt
from eventinvoke.models.deliveries import Delivery
from eventinvoke.models.events import Event
from eventinvoke.models.inbox import InboxMark
from eventinvoke.models.limits import DailyCount, RateLimit

__all__ = ["Answer", "Attempt", "DailyCount", "Delivery", "Event", "InboxMark", "RateLimit", "Receipt"]
