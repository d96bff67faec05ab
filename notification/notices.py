"""Finding the attempt and the delivery of a signed id."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from common import concerned
from common.db.prepared import Given, Row
from common.db.retry_transaction import retry_transaction
from common.errors import ForgedError
from common.process_ids import Purpose, read
from eventinvoke.models import Answer, Attempt, Delivery
from eventinvoke.planning.obsolete import acknowledgement_of
from registration.models import User


def attempt_id_of(process_id: str, purpose: Purpose = Purpose.REPORT) -> UUID:
    """Return the attempt's UUID. Raises ``Http404`` for an id that we did not sign for this purpose."""
    try:
        return read(process_id, purpose)
    except ForgedError:
        raise Http404("There is no such notice.") from None


_UNREAD: Final = (
    # Few pages need what is encrypted, none a password.
    *("delivery__target__address", "delivery__target__config"),
    *(
        f"delivery__member__user__{field.name}"
        for field in User._meta.fields
        if field.name not in {"id", "is_active"}
    ),
)


def _with_delivery(pk: Given) -> QuerySet[Attempt]:
    start = OuterRef("delivery__event__starts_at")
    said = Answer.objects.filter(kind=Answer.Kind.CONFIRMED, starts_at=start, event__starts_at=start)
    rows = Attempt.objects.filter(pk=pk).select_related(
        "delivery__event", "delivery__member__user", "delivery__target", "delivery__registration"
    )
    rows = rows.defer(*_UNREAD)
    # Of the event or of another one that may be the same meeting, which has the same start then.
    return rows.annotate(may_be_settled=Exists(said))


_read: Final = retry_transaction(Row(_with_delivery, Attempt._meta.pk).get)


def find_attempt(process_id: str, kinds: Collection[str], purpose: Purpose = Purpose.REPORT) -> Attempt:
    """Return the attempt with its delivery, event, member, target and registration.

    Member, target and registration are None once they are deleted. Raises ``Http404`` for an id that was not signed
    for this purpose, and for a delivery by a channel of another kind.
    """
    attempt = _read(attempt_id_of(process_id, purpose))
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


def confirmation_found(attempt: Attempt) -> Answer | None:
    """Return ``confirmation_of`` an attempt's delivery as of ``find_attempt``; no query where no answer was found."""
    return confirmation_of(attempt.delivery) if vars(attempt)["may_be_settled"] else None


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
