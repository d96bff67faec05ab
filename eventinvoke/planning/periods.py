"""Periods: kept in line with the events, as deliveries are, and told on the list of what is coming."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from operator import itemgetter

from common.channels import Severity, registry
from common.db import bulk
from common.states import State
from eventinvoke.models import Delivery, Held, Period, Share
from eventinvoke.planning.delivery_row import ALL, Scope
from eventinvoke.planning.desired import runs_of
from eventinvoke.planning.event_row import AnyEvent
from registration.models import Registration, Step

Runs = Sequence[tuple[AnyEvent, Registration]]


def bring_periods_in_line(
    events: Sequence[AnyEvent], runs: Runs, instant: datetime, scope: Scope = ALL
) -> None:
    """Write the difference between the periods of some events, by plans in the scope, and what they should be.

    One that has begun and is no longer wanted ends now, as something may have been held back in it;
    what is over stays as it was, unless its event was moved ahead. No period of events that are not
    given here exists.
    """
    rows: Iterable[Period] = ()
    if events:
        rows = Period.objects.filter(event__pk__any_of=[event.pk for event in events])
        rows = rows if scope.is_all else rows.filter(scope.holds("registration"))
    stored = {(period.event_id, period.registration_id): period for period in rows}
    new: list[Period] = []
    changed: list[Period] = []
    for event, registration in runs:
        starts_at, ends_at = runs_of(event, registration)
        period = stored.pop((event.pk, registration.pk), None)
        if period is None:
            if ends_at > instant:
                new.append(
                    Period(
                        member_id=registration.member_id,
                        registration=registration,
                        event_id=event.pk,
                        kind=registration.action,
                        starts_at=starts_at,
                        ends_at=ends_at,
                    )
                )
            continue
        now_is = (starts_at, ends_at, registration.action, registration.member_id)
        was = (period.starts_at, period.ends_at, period.kind, period.member_id)
        if was != now_is and max(period.ends_at, ends_at) > instant:
            _free(period, starts_at, ends_at, registration, instant)
            period.starts_at, period.ends_at, period.kind, period.member_id = now_is
            changed.append(period)
    if new:
        Period.objects.bulk_create(new, ignore_conflicts=True)
    _end(stored.values(), changed, instant)
    values = [(p.pk, p.starts_at, p.ends_at, p.kind, p.member_id) for p in changed]
    bulk.update(Period, ["starts_at", "ends_at", "kind", "member_id"], values)


def _free(
    period: Period, starts_at: datetime, ends_at: datetime, registration: Registration, instant: datetime
) -> None:
    """Have what a period held back summarised when it is over as it is now: at once, if it runs no more."""
    if period.starts_at <= instant:
        is_same = registration.action == Period.Kind.MUTE and registration.member_id == period.member_id
        runs = is_same and starts_at <= instant
        Held.objects.filter(period=period).update(until=ends_at if runs else instant)


def _end(unwanted: Iterable[Period], changed: list[Period], instant: datetime) -> None:
    to_delete = []
    for period in unwanted:
        if period.starts_at > instant:
            to_delete.append(period.pk)
        elif period.ends_at > instant:
            Held.objects.filter(period=period).update(until=instant)
            period.ends_at = instant
            changed.append(period)
    if to_delete:
        Period.objects.filter(pk__in=to_delete).delete()


def people_of(plans: Collection[int]) -> dict[int, set[int]]:
    """Return the members whom each of some plans can tell; no query for none."""
    members: dict[int, set[int]] = defaultdict(set)
    steps = Step.objects.filter(
        registration__in=plans,
        target__verified_at__isnull=False,
        target__disabled_at=None,
        target__member__user__is_active=True,
    )
    for plan, member in steps.values_list("registration", "target__member"):
        members[plan].add(member)
    return members


def last_of(events: Collection[int], plans: Collection[int]) -> dict[tuple[int, int | None], int]:
    """Return the last delivery, by event and plan, that waits for a member who can be told; no query for none."""
    waiting = Delivery.objects.pending().filter(
        event__in=events,
        registration__in=plans,
        origin=Delivery.Origin.PLAN,
        member__user__is_active=True,
    )
    rows = list(waiting.values_list("due_at", "pk", "event_id", "registration_id"))
    shares = Share.objects.filter(
        registration__in=plans,
        delivery__event__in=events,
        delivery__state=State.PENDING,
        delivery__member__user__is_active=True,
    )
    rows += shares.values_list("delivery__due_at", "delivery__pk", "delivery__event_id", "registration_id")
    return {(event, plan): pk for _due, pk, event, plan in sorted(rows, key=itemgetter(0, 1))}


def notes_on(deliveries: Sequence[Delivery], instant: datetime) -> dict[int, str]:
    """Say of pending deliveries, as things stand, which will be held back or passed over, and why.

    Their events and registrations are read with them. One query, two more where plans skip who is away.
    """
    deliveries = [one for one in deliveries if one.member_id is not None]
    if not deliveries:
        return {}
    skipping = [one for one in deliveries if one.registration is not None and one.registration.skips_away]
    people = people_of({one.registration_id for one in skipping if one.registration_id is not None})
    last = last_of({one.event_id for one in skipping}, people)
    members = {delivery.member_id for delivery in deliveries}.union(*people.values())
    latest = max(delivery.next_attempt_at for delivery in deliveries)
    rows = Period.objects.filter(member__in=members, ends_at__gt=instant, starts_at__lte=latest)
    periods: dict[int, list[Period]] = {}
    for period in rows.select_related("event", "registration", "member"):
        periods.setdefault(period.member_id, []).append(period)
    silent = {kind for kind, channel in registry().items() if channel.capabilities.is_silent}
    notes: dict[int, str] = {}
    for delivery in deliveries:
        is_last = last.get((delivery.event_id, delivery.registration_id)) == delivery.pk
        in_plan = people.get(delivery.registration_id or 0, ()) if is_last else ()
        is_for_all = bool(in_plan) and all(
            any(_is_away(period, delivery.next_attempt_at) for period in periods.get(member, ()))
            for member in in_plan
        )
        for period in periods.get(delivery.member_id or 0, ()):
            if is_for_all and period.kind == Period.Kind.AWAY:
                continue  # all members of the plan are away, and one has to be told
            note = _note(delivery, period, is_silent=delivery.kind in silent)
            if note:
                notes.setdefault(delivery.pk, note)
    return notes


def _is_away(period: Period, at: datetime) -> bool:
    return period.kind == Period.Kind.AWAY and period.starts_at <= at < period.ends_at


def _note(delivery: Delivery, period: Period, *, is_silent: bool) -> str:
    if not period.starts_at <= delivery.next_attempt_at < period.ends_at:
        return ""
    if period.kind == Period.Kind.AWAY:
        skips = delivery.registration is not None and delivery.registration.skips_away
        return f"will be passed over, {period.member} is away: {period.event}" if skips else ""
    is_muted = mutes(period.registration.muted_sources, delivery.event.source)
    if is_silent or delivery.severity >= Severity.CRITICAL or not is_muted:
        return ""
    return f"will be held back: {period.event}"


def mutes(sources: object, source: str) -> bool:
    """Say whether a registration that mutes these sources (all, if none) holds back what comes from one."""
    named = sources if isinstance(sources, list) else []
    return not named or source in named
