"""Registrations that changed: bring the deliveries in line with them.

A page or the admin only marks a registration (``is_planned`` False); this is what takes the mark
off, on every wake-up. A mark survives a restart, and a registration of one date needs no signal to
become an event.
"""

import logging
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction

from common.errors import InputError
from eventinvoke.matching import DATE_SOURCE
from eventinvoke.planning import concerned_by, plan_events, plan_registration
from eventinvoke.publish import EventDraft, publish, withdraw
from registration.models import Registration

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""How many registrations are planned on one wake-up; the rest waits for the next."""

SECONDS: Final = 0.5
"""How long one wake-up goes on to the next registration."""

STEP: Final = 2_000
"""How many events of one registration are planned in one transaction; whoever answers a notice about one
of them waits for its end."""

_planning = Lock()
_left: dict[int, tuple[datetime, list[int]]] = {}
"""Of registrations that this process plans in several steps: when they were changed, and the events that
are left. Whatever happens to the process, the mark stays until the last step is done."""


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
        until = monotonic() + seconds
        pks = list(Registration.objects.unplanned().order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        for pk in _left.keys() - set(pks):
            del _left[pk]
        # One that takes long is not gone on with before the others had their turn.
        pks.sort(key=_left.__contains__)
        count = 0
        for pk in pks:
            count += _try_to_follow(pk)
            if monotonic() >= until:
                break
        while monotonic() < until and (unfinished := [pk for pk in pks if pk in _left]):
            if not _try_to_follow(unfinished[0]):
                break
        return count
    finally:
        _planning.release()


def _try_to_follow(pk: int) -> bool:
    """Plan one registration. One that can't be planned keeps nobody else from being told."""
    try:
        return _follow(pk)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or not connection.is_usable():
            raise  # the database is away: the next wake-up comes back
        # A deadlock, or a statement that took too long: that is about this registration alone.
        log.warning("registration %s is planned at the next wake-up", pk, exc_info=True)
        return False
    except Exception:
        log.exception("registration %s can't be planned; it is left until it changes again", pk)
        # Or the same fault would come back with every wake-up.
        Registration.objects.unplanned().filter(pk=pk).update(is_planned=True)
        return False


def _follow(pk: int) -> bool:
    left: list[int] = []
    with transaction.atomic():
        unplanned = Registration.objects.unplanned().filter(pk=pk)
        if connection.features.has_select_for_update_skip_locked:
            # Whoever waited for another that plans it could not fire meanwhile.
            unplanned = unplanned.select_for_update(skip_locked=True)
        # The mark is taken off first: a change that comes while this runs sets it again.
        if not unplanned.exists() or not Registration.objects.filter(pk=pk).update(is_planned=True):
            return False
        registration = Registration.objects.select_related("member__user").get(pk=pk)
        if registration.kind == Registration.Kind.DATE:
            _follow_date(registration)
        else:
            left = _take_step(registration)
            if left:
                Registration.objects.filter(pk=pk).update(is_planned=False)
    _left.pop(pk, None)
    if left:
        _left[pk] = registration.updated_at, left
    return True


def _take_step(registration: Registration) -> list[int]:
    """Plan some of the events that a standing registration concerns; return those that are left.

    It is begun anew when the registration was changed since the step before. Events that were published
    since then were planned with it.
    """
    changed_at, events = _left.get(registration.pk, (None, []))
    if changed_at != registration.updated_at:
        events = concerned_by(registration)
    plan_events(events[:STEP])
    return events[STEP:]


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
