"""What holds notices back: a provider's rate, a member's quiet hours and daily limit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import F

from common.channels import Channel, Severity
from common.db import bulk
from common.times import is_within, next_at, zone_of
from eventinvoke.models import DailyCount, RateLimit
from registration.models import Member

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""By so much the clocks of two workers may differ."""


class MemberFacts(NamedTuple):
    """What the dispatcher needs to know of a member; a named tuple, because one is made for each of a batch."""

    pk: int
    language: str
    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    daily_cap: int | None
    critical_reserve: int
    is_active: bool

    def is_quiet(self, instant: datetime) -> bool:
        """Say whether ``instant`` lies in the member's quiet hours, on the member's own clock."""
        if self.quiet_from is None:
            return False
        local = instant.astimezone(zone_of(self.time_zone)).time()
        return is_within(local, self.quiet_from, self.quiet_until)

    def quiet_ends_at(self, instant: datetime) -> datetime:
        """Return when the quiet hours in which ``instant`` lies end, by the member's own clock."""
        return next_at(instant, self.quiet_until or time(0), zone_of(self.time_zone))

    def day(self, instant: datetime) -> date:
        """Return the date on the member's own clock."""
        return instant.astimezone(zone_of(self.time_zone)).date()


MEMBER_COLUMNS: Final = (
    "pk", "language", "time_zone", "quiet_from", "quiet_until", "daily_cap", "critical_reserve", "user__is_active",
)  # fmt: skip


def members_of(pks: Iterable[int]) -> dict[int, MemberFacts]:
    """Read the facts of some members, by their keys."""
    return {
        row[0]: MemberFacts._make(row)
        for row in Member.objects.filter(pk__any_of=pks).values_list(*MEMBER_COLUMNS)
    }


def rate_of(channel: Channel) -> float | None:
    """Return how many messages a second the provider takes; None is no limit."""
    rate: float | None = settings.NOTICE_RATES.get(channel.kind, channel.capabilities.rate_per_second)
    return rate


def room(channel: Channel, wanted: int, instant: datetime) -> int:
    """Return how many messages the provider takes now, at most ``wanted``.

    A token bucket that holds one second's worth, in a row that all workers share and that stays
    locked until the transaction ends; ``spend`` takes the tokens out. No row, no query where the
    provider has no limit.
    """
    rate = rate_of(channel)
    if rate is None:
        return wanted
    bucket = _bucket(channel, rate, instant)
    if bucket.counted_at - instant > CLOCKS_DIFFER:
        # It was counted by a clock that went wrong: waiting for that time would hold up every notice.
        bucket.counted_at = instant
    passed = max(0.0, (instant - bucket.counted_at).total_seconds())
    bucket.tokens = min(max(rate, 1.0), bucket.tokens + passed * rate)
    bucket.counted_at = max(instant, bucket.counted_at)
    bucket.save(update_fields=["tokens", "counted_at"])
    # A bucket that is full but for a thousandth is full: clocks and floats are not that exact.
    return min(wanted, int(bucket.tokens + 0.001))


def _bucket(channel: Channel, rate: float, instant: datetime) -> RateLimit:
    """Return the provider's bucket, locked; made when it is first needed."""
    locked = RateLimit.objects.select_for_update().filter(pk=channel.kind)
    bucket = locked.first()
    if bucket is None:
        # Not each time: MariaDB and MySQL lock a row that is there already in a way that workers deadlock over.
        full = RateLimit(kind=channel.kind, tokens=max(rate, 1.0), counted_at=instant)
        RateLimit.objects.bulk_create([full], ignore_conflicts=True)
        bucket = locked.get()
    return bucket


def spend(channel: Channel, count: int) -> None:
    """Take tokens out of the provider's bucket, in the same transaction as ``room``."""
    if count and rate_of(channel) is not None:
        bucket = RateLimit.objects.get(pk=channel.kind)
        RateLimit.objects.filter(pk=channel.kind).update(tokens=max(0.0, bucket.tokens - count))


def over_daily_cap(
    wanted: Iterable[tuple[int, int, int]], members: Mapping[int, MemberFacts], instant: datetime
) -> set[int]:
    """Return which deliveries exceed their member's day, and count the others.

    ``wanted`` holds (delivery, member, severity), the most urgent first. The counters' rows stay
    locked until the transaction ends, so that two workers can't both use the last place.
    """
    by_member: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for delivery, pk, severity in wanted:
        if members[pk].daily_cap is not None:
            by_member[pk].append((delivery, severity))
    if not by_member:
        return set()
    zones = {members[pk].time_zone for pk in by_member}
    today = {zone: instant.astimezone(zone_of(zone)).date() for zone in zones}
    days = {pk: today[members[pk].time_zone] for pk in by_member}
    rows = [(pk, days[pk], len(by_member[pk])) for pk in sorted(by_member)]
    counted = {pk: used for pk, _day, used in bulk.add(DailyCount, ("member", "day"), "used", rows)}
    refused: set[int] = set()
    for pk, deliveries in by_member.items():
        member = members[pk]
        cap = member.daily_cap or 0
        if counted[pk] <= cap - member.critical_reserve:
            continue
        used = before = counted[pk] - len(deliveries)
        for delivery, severity in deliveries:
            if used < (cap if severity >= Severity.CRITICAL else cap - member.critical_reserve):
                used += 1
            else:
                refused.add(delivery)
        if used - before != len(deliveries):
            DailyCount.objects.filter(member=pk, day=days[pk]).update(used=used)
    return refused


def give_back(pks: Iterable[int | None], members: Mapping[Any, MemberFacts], instant: datetime) -> None:
    """Take back what ``over_daily_cap`` counted for messages that do not go out, one for each of ``pks``."""
    groups: dict[tuple[date, int], list[int | None]] = defaultdict(list)
    for pk, count in Counter(pks).items():
        if members[pk].daily_cap is not None:
            groups[members[pk].day(instant), count].append(pk)
    for (day, count), some in groups.items():
        DailyCount.objects.filter(member__in=some, day=day).update(used=F("used") - count)
