"""Registrations that changed: bring the deliveries in line with them.

A page or the admin only marks a registration (``is_planned`` False); this is what takes the mark
off, on every wake-up. A mark survives a restart, and a registration of one date needs no signal to
become an event.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction

from common.errors import InputError
from eventinvoke.planning.matching import DATE_SOURCE
from eventinvoke.planning.planner import concerned_by, plan_events, plan_registration
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from registration.models import Registration

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""How many registrations are planned on one wake-up; the rest waits for the next."""

SECONDS: Final = 0.5
"""How long one wake-up goes on to the next registration."""

STEP: Final = 2_000
"""How many events are planned in one transaction; whoever answers a notice about one of them waits for
its end."""

_planning = Lock()
_left: dict[int, tuple[datetime, list[int]]] = {}
"""Of registrations that this process plans: when they were changed, and the events that are left.
Whatever happens to the process, the mark stays until the last step is done."""


def has_changes() -> bool:
    """Say whether there are registrations to plan."""
    return Registration.objects.unplanned().exists()


def follow_changes(seconds: float = SECONDS) -> int:
    """Plan the registrations that changed since they were last planned; return how many, also in part.

    One thread of a process does that at a time, and begins nothing more after ``seconds``: planning may
    have to wait for others that plan the same events, and the threads are there for firing.
    """
    if not _planning.acquire(blocking=False):
        return 0
    try:
        return _follow_changes(monotonic() + seconds)
    finally:
        _planning.release()


def _follow_changes(until: float) -> int:
    rows = list(Registration.objects.unplanned().order_by("pk").values_list("pk", "kind")[:AT_ONCE])
    dates = [pk for pk, kind in rows if kind == Registration.Kind.DATE]
    standing = [pk for pk, kind in rows if kind != Registration.Kind.DATE]
    for pk in _left.keys() - set(standing):
        del _left[pk]
    count = 0
    for pk in dates:
        count += _try([pk], _follow_dates)
        if monotonic() >= until:
            break
    while standing:
        worked_at = _try(standing, _follow_standing)
        count += worked_at
        if not worked_at or monotonic() >= until:
            break
    return count


def _try(pks: Sequence[int], follow: Callable[[Sequence[int]], int]) -> int:
    """Plan some registrations; return at how many was worked.

    One that can't be planned keeps nobody else from being told.
    """
    try:
        return follow(pks)
    except (OperationalError, InterfaceError):
        _forget(pks)
        if connection.in_atomic_block or not connection.is_usable():
            raise  # the database is away: the next wake-up comes back
        # A deadlock, or a statement that took too long: that is about these alone.
        log.warning("registrations %s are planned at the next wake-up", pks, exc_info=True)
        return 0
    except Exception:
        _forget(pks)
        if len(pks) > 1:
            return sum(_try([pk], follow) for pk in pks)
        log.exception("registration %s can't be planned; it is left until it changes again", pks[0])
        # Or the same fault would come back with every wake-up.
        Registration.objects.unplanned().filter(pk=pks[0]).update(is_planned=True)
        return 0


def _forget(pks: Iterable[int]) -> None:
    """Begin these anew the next time: what was done while their events were looked for was undone."""
    for pk in pks:
        _left.pop(pk, None)


def _locked(pks: Sequence[int]) -> list[Registration]:
    """Lock those that are still unplanned and that nobody else plans, and return them."""
    unplanned = Registration.objects.unplanned().filter(pk__in=pks)
    if connection.features.has_select_for_update_skip_locked:
        # Whoever waited for another that plans it could not fire meanwhile.
        unplanned = unplanned.select_for_update(skip_locked=True)
    locked = list(unplanned.values_list("pk", flat=True))
    return list(Registration.objects.select_related("member__user").filter(pk__in=locked).order_by("pk"))


def _take_marks_off(pks: Sequence[int]) -> None:
    """Say that registrations are planned, before it is done: a change that comes meanwhile marks them again."""
    Registration.objects.filter(pk__in=pks).update(is_planned=True)


def _follow_dates(pks: Sequence[int]) -> int:
    with transaction.atomic():
        registrations = _locked(pks)
        _take_marks_off([one.pk for one in registrations])
        for one in registrations:
            _follow_date(one)
    return len(registrations)


def _follow_standing(pks: Sequence[int]) -> int:
    """Plan some of the events that standing registrations concern, those of the smallest ones first.

    Return at how many registrations was worked. What is left of them is remembered, and begun anew for one
    that was changed since. Events that were published since then were planned with it.
    """
    with transaction.atomic():
        registrations = _locked(pks)
        changed_at = {one.pk: one.updated_at for one in registrations}
        new = [one for one in registrations if _left.get(one.pk, (None,))[0] != one.updated_at]
        for pk, events in concerned_by(new).items() if new else ():
            _left[pk] = changed_at[pk], events
        share = _share({pk: _left[pk][1] for pk in changed_at})
        _take_marks_off([pk for pk, events in share.items() if len(events) == len(_left[pk][1])])
        plan_events(sorted(set().union(*share.values())))
    for pk, events in share.items():
        at, all_events = _left.pop(pk)
        if len(events) < len(all_events):
            _left[pk] = at, all_events[len(events) :]
    return len(share)


def _share(lists: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """Return about ``STEP`` events of some registrations: the shortest lists, or a part of the shortest."""
    share: dict[int, list[int]] = {}
    count = 0
    for pk, events in sorted(lists.items(), key=lambda item: len(item[1])):
        count += len(events)
        if share and count > STEP:
            break
        share[pk] = events[:STEP]
    return share


def _follow_date(registration: Registration) -> None:
    if not (registration.is_in_force and registration.member.user.is_active):
        withdraw(DATE_SOURCE, [str(registration.pk)])
        return
    try:
        draft = _draft(registration)
    except InputError as error:
        log.warning("registration %s can't be published: %s", registration.pk, error.message)
        return
    # Publishing what has not changed plans nothing, but the steps may be other ones.
    if publish([draft]).unchanged:
        plan_registration(registration)


def _draft(registration: Registration) -> EventDraft:
    if registration.starts_at is None:
        msg = "One date needs a time."
        raise InputError(msg, field="starts_at")
    return EventDraft(
        source=DATE_SOURCE,
        external_id=str(registration.pk),
        title=registration.title,
        description=registration.description,
        location=registration.location,
        url=registration.url,
        severity=registration.severity,
        starts_at=registration.starts_at,
        ends_at=registration.ends_at,
    )
