"""Replan: bring the deliveries of events and registrations that carry a mark in line with their change.

Pages, the admin and publishing commit a mark with each change; this takes marks off, on every wake-up, in bounded transactions. A
mark is a version number: it is compared in the transaction that writes the last deliveries, so that a change, a crash or an
unknown error in between leaves it standing.
"""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from django.db import InterfaceError, OperationalError, connection, transaction

from common.db.give_way import give_way
from common.errors import InputError
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.concerned import concerned_by
from eventinvoke.planning.declined import tell_of_decline
from eventinvoke.planning.marks import unplanned_events
from eventinvoke.planning.matching import DATE_SOURCE
from eventinvoke.planning.planner import Planner, plan_registration
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from registration.models import Registration

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""How many registrations are looked at on one wake-up; the rest waits for the next."""
SECONDS: Final = 0.5
"""How long one wake-up goes on to the next registration."""
STEP: Final = 100
"""How many events of a registration are planned in one transaction."""
PAUSE: Final = 60.0
"""Seconds for which an event or a registration that can't be planned is left alone."""

_planning = Lock()
_walks: dict[int, "_Walk"] = {}
"""How far this process has come with registrations. If the process dies, the mark stays."""
_failed: dict[tuple[str, int], float] = {}
"""When this process may try again what it could not plan."""


def forget() -> None:
    """Forget how far this process has come and what it could not plan: begin from what is stored."""
    _walks.clear()
    _failed.clear()


def has_changes() -> bool:
    """Say whether there are registrations or events to plan."""
    return Registration.objects.unplanned().exists() or bool(unplanned_events(1))


def follow_changes(seconds: float = SECONDS) -> int:
    """Plan what changed since it was last planned; return how many events and registrations, also in part.

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
    count = 0
    for work, pks in ((_follow_event, unplanned_events(AT_ONCE)), (_follow_registration, _unplanned())):
        for pk in pks:
            count += _try(work, pk)
            if monotonic() >= until:
                return count
            give_way()
    return count


class _Walk(NamedTuple):
    """How far the planning of one changed registration has come."""

    version: int
    events: list[int]
    """The events that are left, in rising order."""


def _unplanned() -> list[int]:
    """Return marked registrations, those with the fewest events first, and look for these events.

    Events that are published after this look carry a mark of their own.
    """
    rows = list(Registration.objects.unplanned().select_related("member__user").order_by("pk")[:AT_ONCE])
    new = [one for one in rows if one.pk not in _walks or _walks[one.pk].version != one.version]
    for pk in _walks.keys() - {one.pk for one in rows}:
        del _walks[pk]
    if new:
        found = concerned_by(new)
        _walks.update({one.pk: _Walk(one.version, found[one.pk]) for one in new})
    return sorted((one.pk for one in rows), key=lambda pk: len(_walks[pk].events))


def _try(work: Callable[[int], bool], pk: int) -> bool:
    """Plan one event or registration; return whether that was done.

    One that can't be planned keeps its mark, is left alone for a minute and stops no other.
    """
    name = "event" if work is _follow_event else "registration", pk
    if _failed.get(name, 0.0) > monotonic():
        return False
    try:
        done = work(pk)
    except (OperationalError, InterfaceError):
        _walks.pop(pk, None)
        if connection.in_atomic_block or not connection.is_usable():
            raise  # the database is away: the next wake-up comes back
        # A deadlock, or a statement that took too long: that is about this one alone.
        log.warning("%s %s is planned at the next wake-up", *name, exc_info=True)
        return False
    except Exception:
        _walks.pop(pk, None)
        log.exception("%s %s can't be planned; it is tried again in a minute", *name)
        _failed[name] = monotonic() + PAUSE
        return False
    _failed.pop(name, None)
    return done


def _follow_event(pk: int) -> bool:
    Planner().plan([pk])
    return True


def _follow_registration(pk: int) -> bool:
    """Plan a registration: one step of a standing one, the whole of a single event. Return whether it was done.

    False is returned where another process plans it.
    """
    with transaction.atomic():
        found = _locked(pk)
        if found is None:
            _walks.pop(pk, None)
            return False
        tell_of_decline(found)
        if found.kind == Registration.Kind.DATE:
            _follow_date(found)
            _take_mark_off(found)
            return True
        walk = _walks.get(pk)
        if walk is None or walk.version != found.version:
            walk = _Walk(found.version, concerned_by([found])[pk])
        _end_asides(found)
        plan_registration(found, walk.events[:STEP])
        left = walk.events[STEP:]
        if not left:
            _take_mark_off(found)
    if left:
        _walks[pk] = walk._replace(events=left)
    else:
        _walks.pop(pk, None)
    return True


def _locked(pk: int) -> Registration | None:
    """Lock a marked registration that no other process plans, and return it."""
    unplanned = Registration.objects.unplanned().filter(pk=pk)
    if connection.features.has_select_for_update_skip_locked:
        unplanned = unplanned.select_for_update(skip_locked=True)
    if not unplanned.values_list("pk", flat=True):
        return None
    return Registration.objects.select_related("member__user", "created_by").filter(pk=pk).first()


def _take_mark_off(registration: Registration) -> None:
    """Note the version that was planned, unless the registration changed meanwhile."""
    same = Registration.objects.filter(pk=registration.pk, version=registration.version)
    same.update(planned_version=registration.version)


def _end_asides(registration: Registration) -> None:
    """Cancel the snoozes and second calls of a registration that was switched off or declined."""
    if registration.is_in_force and registration.member.user.is_active:
        return
    asides = Delivery.objects.pending().filter(
        registration=registration, origin__in=(Delivery.Origin.SNOOZE, Delivery.Origin.REDIAL)
    )
    asides.cancel("The registration was switched off or declined.")


def _follow_date(registration: Registration) -> None:
    name = str(registration.pk)
    if not (registration.is_in_force and registration.member.user.is_active):
        _end_asides(registration)
        withdraw(DATE_SOURCE, [name])
        return
    try:
        draft = _draft(registration)
    except InputError as error:
        log.warning("registration %s can't be published: %s", registration.pk, error.message)
        return
    # Publishing what has not changed plans nothing, but the steps may be other ones.
    if publish([draft]).unchanged:
        Planner().plan(
            Event.objects.filter(source=DATE_SOURCE, external_id=name).values_list("pk", flat=True)
        )


def _draft(registration: Registration) -> EventDraft:
    if registration.starts_at is None:
        msg = "A single event needs a time."
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
