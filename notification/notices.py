"""Finding the attempt and the delivery of a process id."""

from uuid import UUID

from django.http import Http404

from common.errors import ForgedError
from common.process_ids import read
from eventinvoke.models import Answer, Attempt, Delivery
from eventinvoke.planning.obsolete import acknowledgement_of


def attempt_id_of(process_id: str) -> UUID:
    """Return the attempt's UUID. Raises ``Http404`` for an id that we did not sign."""
    try:
        return read(process_id)
    except ForgedError:
        raise Http404("There is no such notice.") from None


def find_attempt(process_id: str) -> Attempt:
    """Return the attempt with its delivery, event, member, target and registration. Raises ``Http404``."""
    rows = Attempt.objects.select_related(
        "delivery__event", "delivery__member", "delivery__target", "delivery__registration"
    )
    attempt = rows.filter(pk=attempt_id_of(process_id)).first()
    if attempt is None:
        raise Http404("There is no such notice.")
    return attempt


def find_delivery(process_id: str) -> Delivery:
    """Return the delivery with its event, member and target. Raises ``Http404``."""
    return find_attempt(process_id).delivery


def confirmation_of(delivery: Delivery) -> Answer | None:
    """Return the acknowledgement of the event's present start that settles a delivery."""
    return acknowledgement_of(delivery, delivery.event.starts_at)


def note_told(attempt: Attempt) -> None:
    """Note that a call tells the start that its event has now, and not the one that it had when the call began."""
    present = attempt.delivery.event.starts_at
    if attempt.starts_at != present:
        Attempt.objects.filter(pk=attempt.pk).update(starts_at=present)
        attempt.starts_at = present


def was_said(delivery: Delivery, kind: str) -> bool:
    """Say whether the member has given this answer to this delivery."""
    return Answer.objects.filter(delivery=delivery, kind=kind).exists()
