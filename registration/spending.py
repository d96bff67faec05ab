"""How many calls and texts may go out in a day: to one member, and from the whole installation.

The limits are the administrator's (``NOTICE_DAILY``, ``NOTICE_DAILY_MEMBER``): they bound what an account that was
taken over, or a mistake in a plan, can cost. A day is one of UTC.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from common.clock import now
from common.db import bulk
from common.errors import InputError
from registration.models import PaidCount

MEMBER_LIMIT: Final = "The number of messages of this kind that one member may get in a day was reached."
INSTALLATION_LIMIT: Final = "The number of messages of this kind that may be sent in a day was reached."
_ALL: Final = 0
"""Stands for all members."""


def take(kind: str, members: Sequence[int], instant: datetime) -> list[str]:
    """Count a message to each of the members that the day's limits allow, in this order.

    Returns for each "" if it may be sent, or why not. Must be called inside a transaction: the counters stay locked
    until it ends. No query where the kind has no limit.
    """
    of_all, of_member = settings.NOTICE_DAILY.get(kind), settings.NOTICE_DAILY_MEMBER.get(kind)
    if not members or (of_all is None and of_member is None):
        return [""] * len(members)
    counts = _locked(kind, {_ALL, *members}, instant)
    used = {key: before for key, (_pk, before) in counts.items()}
    found = []
    for member in members:
        reason = ""
        if of_member is not None and used[member] >= of_member:
            reason = MEMBER_LIMIT
        elif of_all is not None and used[_ALL] >= of_all:
            reason = INSTALLATION_LIMIT
        else:
            used[member] += 1
            used[_ALL] += 1
        found.append(reason)
    changed = [(pk, used[key]) for key, (pk, before) in counts.items() if used[key] != before]
    bulk.update(PaidCount, ["used"], changed)
    return found


def take_one(kind: str, member: int) -> None:
    """Count a message that is sent outside of any plan (a code, a test). Raises ``InputError`` beyond a limit."""
    with transaction.atomic():
        (reason,) = take(kind, [member], now())
    if reason:
        raise InputError(f"{reason} Try again tomorrow.", field="code")


def _locked(kind: str, keys: set[int], instant: datetime) -> dict[int, tuple[int, int]]:
    """Return the key and the number of each of the day's counters, locked; those that are missing are made."""
    day = instant.date()
    rows = PaidCount.objects.select_for_update().filter(day=day, kind=kind, member__any_of=sorted(keys))
    counters = rows.order_by("member").values_list("member", "pk", "used")
    found = {member: (pk, used) for member, pk, used in counters}
    if missing := sorted(keys - found.keys()):
        # Not each time: MariaDB and MySQL lock a row that is there already in a way that workers deadlock over.
        bulk.insert_missing(PaidCount, ("day", "kind", "member"), [(day, kind, key) for key in missing])
        found = {member: (pk, used) for member, pk, used in counters.all()}
    return found
