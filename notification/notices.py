"""Finding the attempt and the delivery of a signed id."""

from collections.abc import Collection
from uuid import UUID

from django.http import Http404

from common import concerned
from common.errors import ForgedError
from common.process_ids import Purpose, read
from eventinvoke.models import Answer, Attempt, Delivery
from eventinvoke.planning.obsolete import acknowledgement_of


def attempt_id_of(process_id: str, purpose: Purpose = Purpose.REPORT) -> UUID:
    """Return the attempt's UUID. Raises ``Http404`` for an id that we did not sign for this purpose."""
    try:
        return read(process_id, purpose)
    except ForgedError:
        raise Http404("There is no such notice.") from None


def find_attempt(process_id: str, kinds: Collection[str], purpose: Purpose = Purpose.REPORT) -> Attempt:
    """Return the attempt with its delivery, event, member, target and registration.

    Member, target and registration are None once they are deleted. Raises ``Http404`` for an id that was not signed
    for this purpose, and for a delivery by a channel of another kind.
    """
    rows = Attempt.objects.select_related(
        "delivery__event", "delivery__member__user", "delivery__target", "delivery__registration"
    )
    attempt = rows.filter(pk=attempt_id_of(process_id, purpose)).first()
    if attempt is None or attempt.delivery.kind not in kinds:
        raise Http404("There is no such notice.")
    concerned.note([attempt.delivery_id])
    return attempt


def find_call(process_id: str, call_sid: str) -> Attempt:
    """Return the attempt that is this call at the provider. Raises ``Http404`` for any other."""
    attempt = find_attempt(process_id, {"voice"})
    if not attempt.is_of(call_sid):
        raise Http404("There is no such call.")
    return attempt


def confirmation_of(delivery: Delivery) -> Answer | None:
    """Return the acknowledgement of the event's present start that settles a delivery."""
    return acknowledgement_of(delivery, delivery.event.starts_at)


def note_told(attempt: Attempt) -> None:
    """Note that a call tells the start that its event has now, and not the one that it had when the call began.

    One that tells of a cancellation tells the start that its member knew.
    """
    if attempt.delivery.origin == Delivery.Origin.CANCELED:
        return
    present = attempt.delivery.event.starts_at
    if attempt.starts_at != present:
        Attempt.objects.filter(pk=attempt.pk).update(starts_at=present)
        attempt.starts_at = present


def was_said(delivery: Delivery, kind: str) -> bool:
    """Say whether the member has given this answer to this delivery."""
    return Answer.objects.filter(delivery=delivery, kind=kind).exists()
