"""What will keep a pending delivery from its member as things stand: a mute, quiet hours, the daily limit."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from common.channels import Severity, registry
from eventinvoke.models import DailyCount, Delivery
from eventinvoke.planning.periods import notes_on
from eventinvoke.sending.limits import MemberFacts, members_of


def forecast(deliveries: Sequence[Delivery], instant: datetime, viewer: int) -> dict[int, str]:
    """Return a sentence for each delivery that will be held back or passed over, by its key.

    ``viewer`` is the member who reads it: other members are named. Five queries at most; two for none that
    needs them.
    """
    notes = notes_on(deliveries, instant)
    loud = [one for one in deliveries if one.pk not in notes and not _is_silent(one.kind)]
    loud = [
        one for one in loud if one.origin != Delivery.Origin.SNOOZE
    ]  # the member asked for this very time
    members: Mapping[Any, MemberFacts] = members_of({one.member_id or 0 for one in loud})
    loud = [one for one in loud if one.member_id in members]
    for one in loud:
        member = members[one.member_id]
        if one.severity < Severity.CRITICAL and member.is_quiet(one.next_attempt_at):
            whose = "your" if one.member_id == viewer else f"{one.member}'s"
            notes[one.pk] = f"in {whose} quiet hours; goes into the digest at {member.quiet_until:%H:%M}"
    going = [one for one in loud if one.pk not in notes and one.attempts == 0]
    for one in _over_the_limit(going, members):
        whose = "your" if one.member_id == viewer else f"{one.member}'s"
        notes[one.pk] = f"over {whose} limit of {members[one.member_id].daily_cap} notices that day"
    return notes


def _is_silent(kind: str) -> bool:
    channel = registry().get(kind)
    return channel is not None and channel.capabilities.is_silent


def _over_the_limit(deliveries: Sequence[Delivery], members: Mapping[Any, MemberFacts]) -> list[Delivery]:
    """Return those beyond their member's day, counted in the order in which they are due."""
    capped = [one for one in deliveries if members[one.member_id].daily_cap is not None]
    if not capped:
        return []
    days = {one.pk: members[one.member_id].day(one.next_attempt_at) for one in capped}
    counts = DailyCount.objects.filter(
        member__in={one.member_id for one in capped}, day__in=set(days.values())
    )
    used: dict[tuple[Any, date], int] = defaultdict(int)
    used.update({(member, day): count for member, day, count in counts.values_list("member", "day", "used")})
    over = []
    for one in sorted(capped, key=lambda delivery: (delivery.next_attempt_at, delivery.pk)):
        member, day = members[one.member_id], days[one.pk]
        reserve = 0 if one.severity >= Severity.CRITICAL else member.critical_reserve
        if used[one.member_id, day] < (member.daily_cap or 0) - reserve:
            used[one.member_id, day] += 1
        else:
            over.append(one)
    return over
