"""Composing: from deliveries to the messages that a channel gets.

What a batch needs to know (events, members, targets) is looked up once for all of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from common.channels import Message
from common.process_ids import sign
from eventinvoke.models import Attempt, Delivery
from eventinvoke.planning.wants import shares_of
from eventinvoke.sending import limits
from eventinvoke.sending.text import Details, EventFacts, Texts, details_of, facts_of
from registration.models import Registration, Target

# Named tuples, because one of each is made for every message, and they are made thrice as fast.


class Row(NamedTuple):
    """What composing and deciding need of a delivery; its fields are columns."""

    pk: int
    event_id: int
    registration_id: int | None
    member_id: int | None
    target_id: int | None
    severity: int
    deadline_at: datetime
    attempts: int
    origin: str
    starts_at: datetime
    due_at: datetime


class Claimed(NamedTuple):
    """A delivery that this worker may send now. ``number`` tells its try from a later one."""

    delivery_id: int
    target_id: int | None
    attempt_id: UUID
    number: int
    message: Message
    due_at: datetime


class PlanFacts(NamedTuple):
    """What has to be known of a registration."""

    text: str = ""
    skips_away: bool = False


USUAL = PlanFacts()
GONE_TARGET: Final[tuple[Any, ...]] = ("", {}, False)
"""A target that was deleted: what was sent to it can still be asked about by the provider's id."""
_GONE_MEMBER: Final = limits.MemberFacts(0, "en", "UTC", None, None, None, 0, is_active=False)
_CHANGED: Final[dict[str, str]] = {
    Delivery.Origin.CHANGE: gettext_noop("Changed"),
    Delivery.Origin.CANCELED: gettext_noop("Canceled"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the deliveries of a batch refer to, by key."""

    events: dict[int, EventFacts]
    members: Mapping[Any, limits.MemberFacts]
    targets: dict[int | None, tuple[Any, ...]]
    """Address, config, and whether it may be told anything now."""
    plans: dict[int | None, PlanFacts]
    """Of the registrations that exist."""
    shares: dict[int, list[int]]
    """Further plans that want a delivery."""
    details: dict[int, Details]
    """Of events that are told in a text of a member's own."""

    def plans_of(self, row: Row) -> list[int]:
        """Return the plans that want a delivery."""
        first = [] if row.registration_id is None else [row.registration_id]
        return first + self.shares.get(row.pk, [])


_TARGET_COLUMNS: Final = ("pk", "address", "config", "usable")


def facts_about(rows: Sequence[Row]) -> Facts:
    """Look up what some deliveries refer to; five queries, two more where members wrote texts of their own."""
    shares: dict[int, list[int]] = defaultdict(list)
    for want in shares_of([row.pk for row in rows]):
        shares[want.delivery_id].append(want.registration_id)
    plans = _plans_of(chain((row.registration_id for row in rows), *shares.values()))
    worded = {pk for pk, plan in plans.items() if plan.text}
    targets = Target.objects.filter(pk__any_of={row.target_id for row in rows if row.target_id is not None})
    return Facts(
        events=facts_of({row.event_id for row in rows}),
        members=limits.members_of({row.member_id for row in rows if row.member_id is not None}),
        targets={row[0]: row[1:] for row in targets.with_usable().values_list(*_TARGET_COLUMNS)},
        plans=plans,
        shares=shares,
        details=details_of({row.event_id for row in rows if row.registration_id in worded}) if worded else {},
    )


def _plans_of(pks: Iterable[int | None]) -> dict[int | None, PlanFacts]:
    """Read the facts of those registrations that exist."""
    wanted = {pk for pk in pks if pk is not None}
    rows = Registration.objects.filter(pk__any_of=wanted).values_list("pk", "text", "skips_away")
    return {pk: PlanFacts(text, skips) if text or skips else USUAL for pk, text, skips in rows}


def compose(
    row: Row,
    attempt_id: UUID,
    facts: Facts,
    texts: Texts,
    instant: datetime,
    *,
    prepared: bytes = b"",
    provider_id: str = "",
) -> Message:
    """Return the message of one try that begins at ``instant``."""
    event = facts.events[row.event_id]
    if row.origin == Delivery.Origin.CANCELED and row.starts_at != event.starts_at:
        event = event.at(row.starts_at)  # the start that the member was told, though the event moved since
    member = facts.members.get(row.member_id, _GONE_MEMBER)
    address, config, _is_usable = facts.targets.get(row.target_id, GONE_TARGET)
    plan = facts.plans.get(row.registration_id, USUAL)
    return Message(
        process_id=sign(attempt_id),
        address=address,
        title=_title(event, row.origin, member.language),
        body=texts.body(event, member.language, member.time_zone, plan.text, facts.details.get(event.pk)),
        tag=tag_of(row.pk),
        expires_at=row.deadline_at,
        config=config,
        severity=row.severity,
        language=member.language,
        time_zone=member.time_zone,
        starts_at=event.starts_at,
        url=event.url,
        started_at=instant,
        provider_id=provider_id,
        prepared=prepared,
    )


def _title(event: EventFacts, origin: str, language: str) -> str:
    """Return the title of a notice; that of a change says first what has changed."""
    if origin not in _CHANGED:
        return event.title
    with translation.override(language):
        return f"{gettext(_CHANGED[origin])}: {event.title}"


def composed_again(rows: Sequence[Row], attempts: Iterable[Attempt]) -> list[Claimed]:
    """Return deliveries whose lease ran out as they were claimed before, each with its latest attempt."""
    latest = {attempt.delivery_id: attempt for attempt in attempts}
    facts = facts_about(rows)
    found: list[Claimed] = []
    for row in rows:
        attempt = latest.get(row.pk)
        if attempt is not None:
            message = compose(
                row, attempt.pk, facts, Texts(attempt.started_at), attempt.started_at,
                provider_id=attempt.provider_id,
            )  # fmt: skip
            found.append(Claimed(row.pk, row.target_id, attempt.pk, row.attempts, message, row.due_at))
    return found


def tag_of(delivery_id: int) -> str:
    """Return the tag that all tries of a delivery share: a later push replaces an earlier one."""
    return f"notice-{delivery_id:x}"
