"""The inbox: which notices are there, which are new, and what is noted when one is seen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from common.clock import now
from common.states import ARRIVED, State
from eventinvoke.models import Answer, Attempt, Delivery, InboxMark
from eventinvoke.replies import receipts
from registration.models import Member

KIND: Final = "inbox"
_LOOKED_AT: Final = 50
_RECENT: Final = timedelta(days=2)
_SLACK: Final = timedelta(minutes=1)
"""What has arrived was due, but for the clocks of machines: what is scheduled isn't looked through."""
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class News:
    """What a page that is open needs to know, from two small queries."""

    unread: int
    """How many notices of the last days came since the inbox was opened and are not acknowledged."""
    unseen: tuple[int, ...]
    """Those not acknowledged that no browser has shown yet, the newest first."""
    state: str
    """A word that changes whenever a notice comes, or one of them or its event changes."""

    @property
    def token(self) -> str:
        """A word that changes with anything that a page shows."""
        return f"{self.state}-{self.unread}"


def notices_of(member: Member) -> QuerySet[Delivery]:
    """Return the notices in a member's inbox."""
    return Delivery.objects.filter(member=member, kind=KIND, state__in=ARRIVED)


def _acknowledged(member: Member) -> Exists:
    """Whether the member acknowledged the event of a notice as it takes place now, by any notice of it."""
    return Exists(
        Answer.objects.filter(
            event=OuterRef("event"),
            starts_at=OuterRef("event__starts_at"),
            member=member,
            kind=Answer.Kind.CONFIRMED,
        )
    )


def acknowledged_among(member: Member, notices: Sequence[Delivery]) -> set[int]:
    """Return which notices need no answer: the member acknowledged their event as it takes place now. One query."""
    pks = [notice.pk for notice in notices]
    own = Q(state=State.ACKNOWLEDGED) & ~Exists(
        Answer.objects.filter(delivery=OuterRef("pk"), kind=Answer.Kind.CONFIRMED).exclude(
            starts_at=OuterRef("event__starts_at")
        )
    )
    found = Delivery.objects.filter(_acknowledged(member) | own, pk__in=pks)
    return set(found.values_list("pk", flat=True))


def read_at(member: Member) -> datetime:
    """Return when the member last opened the inbox."""
    return InboxMark.objects.filter(member=member).values_list("read_at", flat=True).first() or _NEVER


def news_for(member: Member) -> News:
    """Return what is new. Looks at no more than the last ``_LOOKED_AT`` notices of two days.

    What the member acknowledged, by whichever notice of the same event and start, is not unread.
    """
    instant = now()
    rows = (
        notices_of(member)
        .filter(due_at__gt=instant - _RECENT, due_at__lte=instant + _SLACK)
        .order_by("-due_at", "-pk")
        .annotate(is_settled=_acknowledged(member), changed_at=F("event__updated_at"))
        .values_list("pk", "state", "sent_at", "is_settled", "changed_at")[:_LOOKED_AT]
    )
    found = list(rows)
    mark = read_at(member)
    open_ones = [row for row in found if row[1] != State.ACKNOWLEDGED and not row[3]]
    unread = sum((sent or _NEVER) > mark for _pk, _state, sent, *_rest in open_ones)
    unseen = tuple(pk for pk, state, *_rest in open_ones if state == State.SENT)
    shown = [(pk, state, is_settled, changed_at) for pk, state, _sent, is_settled, changed_at in found]
    return News(unread, unseen, sha256(repr(shown).encode()).hexdigest()[:16])


def told_again_at(notices: Sequence[Delivery]) -> dict[int, datetime]:
    """Return, for those notices that were snoozed, when the member is notified again. One query."""
    answered = [n for n in notices if any(a.kind == Answer.Kind.SNOOZED for a in n.answers.all())]
    snoozed = {notice.event_id: notice.pk for notice in reversed(answered)}
    again = Delivery.objects.pending().filter(
        origin=Delivery.Origin.SNOOZE, kind=KIND, event__in=snoozed, target__in={n.target_id for n in notices}
    )
    return {snoozed[event]: at for event, at in again.values_list("event_id", "due_at")}


def mark_read(member: Member) -> None:
    """Note that the member has the inbox open."""
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
                    kind=KIND,
                )
            )
