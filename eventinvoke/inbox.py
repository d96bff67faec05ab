"""The inbox: which notices are there, which are new, and what is noted when one is seen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, InboxMark
from eventinvoke.replies import receipts
from registration.models import Member

KIND: Final = "inbox"
ARRIVED: Final = (State.SENT, State.DELIVERED, State.ACKNOWLEDGED)
_LOOKED_AT: Final = 50
_RECENT: Final = timedelta(days=2)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class News:
    """What a page that is open needs to know, from two small queries."""

    unread: int
    """How many notices of the last days came since the inbox was opened and are not answered."""
    unseen: tuple[int, ...]
    """Those that no browser has shown yet, the newest first."""
    state: str
    """A word that changes whenever a notice comes or changes."""

    @property
    def token(self) -> str:
        """A word that changes with anything that a page shows."""
        return f"{self.state}-{self.unread}"


def notices_of(member: Member) -> QuerySet[Delivery]:
    """Return the notices in a member's inbox."""
    return Delivery.objects.filter(member=member, kind=KIND, state__in=ARRIVED)


def read_at(member: Member) -> datetime:
    """Return when the member last opened the inbox."""
    return InboxMark.objects.filter(member=member).values_list("read_at", flat=True).first() or _NEVER


def news_for(member: Member) -> News:
    """Return what is new. Looks at no more than the last ``_LOOKED_AT`` notices of two days."""
    rows = (
        notices_of(member)
        .filter(due_at__gt=now() - _RECENT)
        .order_by("-due_at", "-pk")
        .values_list("pk", "state", "sent_at")[:_LOOKED_AT]
    )
    found = list(rows)
    mark = read_at(member)
    unread = sum(state != State.ACKNOWLEDGED and (sent or _NEVER) > mark for _pk, state, sent in found)
    unseen = tuple(pk for pk, state, _sent in found if state == State.SENT)
    digest = sha256(repr([(pk, state) for pk, state, _sent in found]).encode()).hexdigest()[:16]
    return News(unread, unseen, digest)


def told_again_at(notices: Sequence[Delivery]) -> dict[int, datetime]:
    """Return, for those notices that were put off, when the member is told again. One query."""
    answered = [n for n in notices if any(a.kind == Answer.Kind.SNOOZED for a in n.answers.all())]
    put_off = {notice.event_id: notice.pk for notice in reversed(answered)}
    again = Delivery.objects.pending().filter(
        origin=Delivery.Origin.SNOOZE, kind=KIND, event__in=put_off, target__in={n.target_id for n in notices}
    )
    return {put_off[event]: at for event, at in again.values_list("event_id", "due_at")}


def mark_read(member: Member) -> None:
    """Note that the member has the inbox before the eyes."""
    InboxMark.objects.update_or_create(member=member, defaults={"read_at": now()})


def mark_seen(member: Member, pks: Collection[int]) -> None:
    """Note that a browser showed these notices: they are delivered."""
    latest = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number").values("pk")[:1]
    rows = notices_of(member).filter(pk__in=pks, state=State.SENT).annotate(attempt=Subquery(latest))
    for attempt_id in rows.values_list("attempt", flat=True)[:_LOOKED_AT]:
        if attempt_id is not None:
            receipts.apply(
                receipts.Report(
                    attempt_id=attempt_id,
                    status="seen",
                    fingerprint=sha256(f"inbox seen {attempt_id}".encode()).hexdigest(),
                    means=State.DELIVERED,
                )
            )
