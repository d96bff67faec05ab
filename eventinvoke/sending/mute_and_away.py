"""What runs at the instant: who is muted or away, looked up once a batch that is about to be sent.

A notice below CRITICAL to a member who is muted is held back, and a summary tells of it afterwards
(``summary``); the inbox disturbs no member and is never held back. A step of a plan with ``skips_away`` to
a member who is away is passed over, and the next one that goes to another member comes at once. When
all members of the plan are away, its last step is carried out all the same: one of them has to be told.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from common.channels import Severity
from common.states import State
from eventinvoke.models import Delivery, Held, Period
from eventinvoke.planning.escalation import Cause, Miss, bring_forward
from eventinvoke.planning.periods import last_of, mutes, people_of
from eventinvoke.sending.aside import Aside
from eventinvoke.sending.compose import USUAL, Facts, Row
from registration.models import Member


class _Mute(NamedTuple):
    period_id: int
    registration_id: int
    sources: object
    title: str
    ends_at: datetime


@dataclass(slots=True)
class Running:
    """The periods that run while a batch is claimed."""

    mutes: Mapping[int | None, Sequence[_Mute]]
    """By member, the one that ends last first."""
    away: Mapping[int | None, str]
    """The names of members who are away."""
    skipped: Mapping[int, frozenset[int]]
    """The plans that pass over the member, by delivery."""
    wanted_still: Collection[int]
    """Deliveries among them that another plan wants all the same."""
    _held: list[Held] = field(default_factory=list)
    _missed: list[Miss] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether anything runs that concerns the batch."""
        return bool(self.mutes or self.skipped)

    def verdict(self, row: Row, source: str) -> Aside | None:
        """Say whether a delivery, whose event comes from ``source``, is held back or passed over, and why."""
        if row.pk in self.skipped:
            self._missed.append(Miss(row.pk, Cause.AWAY, self.skipped[row.pk]))
            if row.pk not in self.wanted_still:
                return Aside(State.SUPPRESSED, f"{self.away[row.member_id]} is away.", None)
        if row.severity >= Severity.CRITICAL or row.origin == Delivery.Origin.SNOOZE:
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
                reason = f"Held back while “{mute.title[:200]}” ran."
                return Aside(State.SUPPRESSED, reason, Cause.HELD)
        return None

    def settle(self) -> None:
        """Note what is to be summarised, and bring forward what follows who is away.

        Called when the verdicts were written, in the same transaction.
        """
        if self._held:
            Held.objects.bulk_create(self._held, ignore_conflicts=True)
        if self._missed:
            bring_forward(self._missed)


def running(rows: Sequence[Row], facts: Facts, instant: datetime, *, is_silent: bool) -> Running:
    """Look up what concerns some due deliveries of a channel: one query, a few more when a member is away."""
    can_mute = not is_silent and any(row.severity < Severity.CRITICAL for row in rows)
    skipping = {
        row.pk: plans
        for row in rows
        if row.origin == Delivery.Origin.PLAN
        and (plans := frozenset(p for p in facts.plans_of(row) if facts.plans.get(p, USUAL).skips_away))
    }
    if not can_mute and not skipping:
        return Running({}, {}, {}, frozenset())
    members = {row.member_id or 0 for row in rows if can_mute or row.pk in skipping}
    found = Member.objects.filter(
        pk__any_of=members, periods__starts_at__lte=instant, periods__ends_at__gt=instant
    ).order_by("-periods__ends_at", "-periods__pk")
    away: dict[int | None, str] = {}
    muted: dict[int | None, list[_Mute]] = defaultdict(list)
    for member, name, kind, *values in found.values_list(
        "pk", "name", "periods__kind", "periods__pk", "periods__registration",
        "periods__registration__muted_sources", "periods__event__title", "periods__ends_at",
    ):  # fmt: skip
        if kind == Period.Kind.AWAY:
            away[member] = name
        elif can_mute:
            muted[member].append(_Mute(*values))
    passing = {row: skipping[row.pk] for row in rows if row.pk in skipping and row.member_id in away}
    skipped = _passed_over(passing, instant)
    wanted = frozenset(row.pk for row in passing if set(facts.plans_of(row)) - skipped.get(row.pk, set()))
    return Running(muted, away, skipped, wanted)


def _passed_over(passing: Mapping[Row, frozenset[int]], instant: datetime) -> dict[int, frozenset[int]]:
    """Return which plans pass over which deliveries to members who are away.

    A plan in which every member is away carries out its last step all the same.
    """
    if not passing:
        return {}
    plans = frozenset[int]().union(*passing.values())
    members = people_of(plans)
    gone = Period.objects.filter(kind=Period.Kind.AWAY, starts_at__lte=instant, ends_at__gt=instant)
    away = set(gone.filter(member__in=set().union(*members.values())).values_list("member", flat=True))
    last = last_of({row.event_id for row in passing}, plans)
    found = {
        row.pk: frozenset(
            plan
            for plan in some
            if not members.get(plan, set()) <= away or last.get((row.event_id, plan)) != row.pk
        )
        for row, some in passing.items()
    }
    return {pk: some for pk, some in found.items() if some}
