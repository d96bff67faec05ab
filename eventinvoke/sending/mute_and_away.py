"""What runs at the instant: who is muted or away, looked up once a batch that is about to be sent.

A notice below CRITICAL to a member who is muted is held back, and a summary tells of it afterwards
(``summary``); the inbox disturbs nobody and is never held back. A step of a plan with ``skips_away`` to
a member who is away is passed over, and the next one that goes to somebody else comes at once. When
everybody in the plan is away, its last step is carried out all the same: somebody has to know.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from common.channels import Severity
from common.states import State
from eventinvoke.models import Held, Period
from eventinvoke.planning.escalation import Miss, bring_forward
from eventinvoke.planning.periods import last_of, mutes, people_of
from eventinvoke.sending.compose import USUAL, PlanFacts, Row
from registration.models import Member

Verdict = tuple[State, str]


class _Mute(NamedTuple):
    period_id: int
    registration_id: int
    sources: object
    title: str
    ends_at: datetime


@dataclass(slots=True)
class Running:
    """The periods that run while a batch is claimed."""

    mutes: Mapping[int, Sequence[_Mute]]
    """By member, the one that ends last first."""
    away: Mapping[int, str]
    """The names of members who are away."""
    skipped: Collection[int]
    """Deliveries of plans that pass over who is away."""
    _held: list[Held] = field(default_factory=list)
    _missed: list[Miss] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether anything runs that concerns the batch."""
        return bool(self.mutes or self.skipped)

    def verdict(self, row: Row, source: str) -> Verdict | None:
        """Say whether a delivery, whose event comes from ``source``, is held back or passed over, and why."""
        if row.pk in self.skipped:
            self._missed.append(
                Miss(row.pk, row.event_id, row.registration_id, row.target_id, member_id=row.member_id)
            )
            return State.SUPPRESSED, f"{self.away[row.member_id]} is away."
        if row.severity >= Severity.CRITICAL:
            return None
        for mute in self.mutes.get(row.member_id, ()):
            if mutes(mute.sources, source):
                self._held.append(
                    Held(
                        delivery_id=row.pk,
                        member_id=row.member_id,
                        registration_id=mute.registration_id,
                        period_id=mute.period_id,
                        until=mute.ends_at,
                    )
                )
                return State.SUPPRESSED, f"Held back while “{mute.title[:200]}” ran."
        return None

    def settle(self) -> None:
        """Note what is to be summarised, and bring forward what follows who is away.

        Called when the verdicts were written, in the same transaction.
        """
        if self._held:
            Held.objects.bulk_create(self._held)
        if self._missed:
            bring_forward(self._missed)


def running(
    rows: Sequence[Row], plans: Mapping[int | None, PlanFacts], instant: datetime, *, is_silent: bool
) -> Running:
    """Look up what concerns some due deliveries of a channel: one query, few more when somebody is away."""
    can_mute = not is_silent and any(row.severity < Severity.CRITICAL for row in rows)
    passing = [row for row in rows if not row.is_snooze and plans.get(row.registration_id, USUAL).skips_away]
    if not can_mute and not passing:
        return Running({}, {}, ())
    members = {row.member_id for row in (rows if can_mute else passing)}
    found = Member.objects.filter(
        pk__any_of=members, periods__starts_at__lte=instant, periods__ends_at__gt=instant
    ).order_by("-periods__ends_at", "-periods__pk")
    away: dict[int, str] = {}
    muted: dict[int, list[_Mute]] = defaultdict(list)
    for member, name, kind, *values in found.values_list(
        "pk", "name", "periods__kind", "periods__pk", "periods__registration",
        "periods__registration__muted_sources", "periods__event__title", "periods__ends_at",
    ):  # fmt: skip
        if kind == Period.Kind.AWAY:
            away[member] = name
        elif can_mute:
            muted[member].append(_Mute(*values))
    return Running(muted, away, _passed_over([row for row in passing if row.member_id in away], instant))


def _passed_over(rows: Sequence[Row], instant: datetime) -> set[int]:
    """Return which deliveries to members who are away are not carried out.

    That is each but the last of a plan in which everybody is away.
    """
    if not rows:
        return set()
    plans = {row.registration_id for row in rows if row.registration_id is not None}
    members = people_of(plans)
    gone = Period.objects.filter(kind=Period.Kind.AWAY, starts_at__lte=instant, ends_at__gt=instant)
    away = set(gone.filter(member__in=set().union(*members.values())).values_list("member", flat=True))
    last = last_of({row.event_id for row in rows}, plans)
    return {
        row.pk
        for row in rows
        if not members.get(row.registration_id or 0, set()) <= away
        or last.get((row.event_id, row.registration_id or 0)) != row.pk
    }
