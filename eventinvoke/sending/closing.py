"""Closing the notifications that browsers still show for deliveries that need no answer any more."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext, override

from common.channels import Message, Outcome, registry
from common.clock import now
from common.languages import texts_for
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.sending.compose import tag_of
from registration.models import Member

KIND: Final = "webpush"
_RECENT: Final = timedelta(days=1)
_MOST: Final = 50


def close_in_browsers(delivery_ids: Collection[int]) -> int:
    """Close the notifications of these deliveries by their tags; return how many push services took it.

    Deliveries of other kinds, to targets that can't be used, and that were never sent or are over, are left out. Does network
    I/O: call it from a task, never in a web thread or a transaction. Losing one does no harm: it is not repeated.
    """
    channel = registry().get(KIND)
    if channel is None:
        return 0
    rows = Delivery.objects.filter(
        pk__any_of=list(delivery_ids),
        kind=KIND,
        sent_at__isnull=False,
        deadline_at__gt=now(),
        target__verified_at__isnull=False,
        target__disabled_at__isnull=True,
    ).select_related("event", "member", "target")
    results = channel.send([_closing(row) for row in rows])
    return sum(result is not None and result.outcome is Outcome.ACCEPTED for result in results)


def closed_tags(member: Member) -> list[str]:
    """Return the tags of the member's recent browser notifications that were acknowledged or canceled, for a page to close."""
    rows = Delivery.objects.filter(
        member=member,
        kind=KIND,
        state__in=(State.ACKNOWLEDGED, State.CANCELED),
        sent_at__isnull=False,
        due_at__gt=now() - _RECENT,
    )
    return [tag_of(pk) for pk in rows.order_by("-due_at").values_list("pk", flat=True)[:_MOST]]


def _closing(row: Delivery) -> Message:
    with override(texts_for(row.member.language)):
        body = gettext("This was acknowledged.")
    return Message(
        process_id="",
        address=row.target.address,
        title=row.event.title,
        body=body,
        tag=tag_of(row.pk),
        expires_at=row.deadline_at,
        config=row.target.config,
        language=row.member.language,
        time_zone=row.member.time_zone,
        url=row.event.url,
        is_closing=True,
    )
