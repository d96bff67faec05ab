"""Composing: from deliveries to the messages that a channel gets.

What a batch needs to know (events, members, targets) is looked up once for all of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Q

from common.channels import Message
from common.process_ids import sign
from eventinvoke.models import Attempt
from eventinvoke.sending import limits
from eventinvoke.sending.text import Details, EventFacts, Texts, details_of, facts_of
from registration.models import Registration, Target

# Named tuples, because one of each is made for every message, and they are made thrice as fast.


class Row(NamedTuple):
    """What composing and deciding need of a delivery; its fields are columns."""

    pk: int
    event_id: int
    registration_id: int | None
    member_id: int
    target_id: int
    severity: int
    deadline_at: datetime
    attempts: int
    is_snooze: bool


class Claimed(NamedTuple):
    """A delivery that this worker may send now. ``number`` tells its try from a later one."""

    delivery_id: int
    event_id: int
    registration_id: int | None
    target_id: int
    attempt_id: UUID
    number: int
    message: Message


class PlanFacts(NamedTuple):
    """What has to be known of a registration that is not of the usual kind."""

    text: str = ""
    skips_away: bool = False


USUAL = PlanFacts()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the deliveries of a batch refer to, by key."""

    events: dict[int, EventFacts]
    members: dict[int, limits.MemberFacts]
    targets: dict[int, tuple[Any, ...]]
    """Address, config, and whether it may be told anything now."""
    plans: dict[int | None, PlanFacts]
    """Of registrations that are not of the usual kind."""
    details: dict[int, Details]
    """Of events that are told in a text of a member's own."""


_TARGET_COLUMNS: Final = ("pk", "address", "config", "usable")


def facts_about(rows: Sequence[Row]) -> Facts:
    """Look up what some deliveries refer to; four queries, two more where members wrote texts of their own."""
    plans = _plans_of(row.registration_id for row in rows)
    worded = {pk for pk, plan in plans.items() if plan.text}
    targets = Target.objects.filter(pk__any_of={row.target_id for row in rows})
    return Facts(
        events=facts_of({row.event_id for row in rows}),
        members=limits.members_of({row.member_id for row in rows}),
        targets={row[0]: row[1:] for row in targets.with_usable().values_list(*_TARGET_COLUMNS)},
        plans=plans,
        details=details_of({row.event_id for row in rows if row.registration_id in worded}) if worded else {},
    )


def _plans_of(pks: Iterable[int | None]) -> dict[int | None, PlanFacts]:
    """Read the facts of those registrations that have a text or skip who is away; of most there are none."""
    wanted = {pk for pk in pks if pk is not None}
    special = Registration.objects.filter(~Q(text="") | Q(skips_away=True), pk__any_of=wanted)
    return {pk: PlanFacts(text, skips) for pk, text, skips in special.values_list("pk", "text", "skips_away")}


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
    event, member = facts.events[row.event_id], facts.members[row.member_id]
    address, config, _is_usable = facts.targets[row.target_id]
    plan = facts.plans.get(row.registration_id, USUAL)
    return Message(
        process_id=sign(attempt_id),
        address=address,
        title=event.title,
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
            found.append(
                Claimed(
                    row.pk,
                    row.event_id,
                    row.registration_id,
                    row.target_id,
                    attempt.pk,
                    row.attempts,
                    message,
                )
            )
    return found


def tag_of(delivery_id: int) -> str:
    """Return the tag that all tries of a delivery share: a later push replaces an earlier one."""
    return f"notice-{delivery_id:x}"
