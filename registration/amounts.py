"""How much one member may have: calendars, registrations, and notices that wait for their time (``NOTICE_MOST``).

What is there already stays, also where a limit was lowered; what is added is refused.
"""

from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from common.errors import InputError
from registration.models import Calendar, Member, Registration, Step

_FULL: Final = "A member may have {} {}. Delete one that is no longer needed first."
_MANY: Final = (
    "With this plan {} notices would wait to be sent, and a member may have {}. "
    "Make the search narrower, or the plan shorter."
)


def check_calendars(owner: Member | None, added: int = 1) -> None:
    """Raise ``InputError`` where the owner would have too many calendars; those for everyone are not limited."""
    most = int(settings.NOTICE_MOST["calendars"])
    if owner is not None and added and Calendar.objects.filter(owner=owner).count() + added > most:
        raise InputError(_FULL.format(most, "calendars"))


def check_registrations(member: Member) -> None:
    """Raise ``InputError`` where the member has as many registrations as allowed."""
    most = int(settings.NOTICE_MOST["registrations"])
    if Registration.objects.filter(member=member).count() >= most:
        raise InputError(_FULL.format(most, "registrations"))


def check_pending(registration: Registration, steps: Iterable[Step]) -> None:
    """Raise ``InputError`` where too many of the member's notices would wait if this was stored.

    ``registration`` is as it was typed, and new or the one that is edited.
    """
    most = int(settings.NOTICE_MOST["pending"])
    count: Callable[[Registration, Iterable[Step]], tuple[int, int]] = import_string(
        settings.NOTICE_COUNTS_PENDING
    )
    waiting, added = count(registration, steps)
    if added > 0 and waiting + added > most:
        raise InputError(_MANY.format(waiting + added, most))
