"""When the link of a notice stops working, and why."""

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext

from common.clock import now
from common.languages import TRANSLATED, texts_for
from eventinvoke.models import Delivery

ANSWERS: Final = timedelta(days=7)
"""How long after the event a notice can be answered by its link or by its push."""
UNSUBSCRIBING: Final = timedelta(days=30)
"""How long after the event its link ends the mails to an address."""


def why_closed(delivery: Delivery, grace: timedelta) -> str:
    """Say why a link does nothing any more, in the active language; "" while it works.

    It works until ``grace`` after the delivery's deadline or the end of its event, the later one.
    """
    if delivery.member is None or not delivery.member.user.is_active:
        return gettext("The account that this notice was for is deleted or switched off.")
    ends_at = max(delivery.deadline_at, delivery.event.ends_at or delivery.event.starts_at)
    return gettext("This link has expired.") if ends_at < now() - grace else ""


def language_of(delivery: Delivery) -> str:
    """Return the language of a page about a delivery: the member's, English for a member who was deleted."""
    return texts_for(delivery.member.language) if delivery.member is not None else TRANSLATED[0]
