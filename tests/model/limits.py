"""How many messages may go out in a day: a member's own limit, and the administrator's limits of calls."""

from collections import Counter
from dataclasses import dataclass, field

from tests.model.world import DAY, Member, Target


@dataclass
class Limits:
    """The limits, and what was counted against them."""

    calls_each: int | None = None
    """Of each member."""
    calls: int | None = None
    """Of all members together."""
    used: Counter[tuple[Member | None, str, int]] = field(default_factory=Counter)

    def caps(self, member: Member, now: float) -> bool:
        """Say whether the member got as many messages on this day of the member's own as the member wants."""
        return member.cap is not None and self.used[_own(member, now)] >= member.cap

    def refuses(self, target: Target, now: float) -> bool:
        """Say whether the administrator lets no further call go out on this day (of UTC)."""
        each = self.calls_each is not None and self.used[_paid(target.member, now)] >= self.calls_each
        whole = self.calls is not None and self.used[_paid(None, now)] >= self.calls
        return target.kind == "call" and (each or whole)

    def count(self, target: Target, now: float, *, is_own: bool, is_paid: bool) -> None:
        """Count a message against the member's own limit and the administrator's; what has none is not counted."""
        self.used[_own(target.member, now)] += is_own and target.member.cap is not None
        if is_paid and target.kind == "call" and (self.calls_each, self.calls) != (None, None):
            self.used.update([_paid(target.member, now), _paid(None, now)])


def _own(member: Member, now: float) -> tuple[Member | None, str, int]:
    return member, "any", int((now + member.zone) // DAY)


def _paid(member: Member | None, now: float) -> tuple[Member | None, str, int]:
    return member, "call", int(now // DAY)
