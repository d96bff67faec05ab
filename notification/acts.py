"""What a member can say to a notice without signing in, by its link or by a text, and the sentence about the outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext

from common.clock import now
from common.texts import foreign
from eventinvoke.models import Answer, Delivery
from eventinvoke.replies import answers
from eventinvoke.sending.text import EventFacts
from eventinvoke.sending.when import say_day, say_distance, say_time
from notification.notices import was_said
from registration.models import Member


@dataclass(frozen=True, slots=True)
class Said:
    """The outcome."""

    sentence: str
    is_done: bool = True


@dataclass(frozen=True, slots=True)
class Given:
    """An answer: to which notice, about which start, and by which way."""

    delivery: Delivery
    starts_at: datetime | None
    """The start that the member was told."""
    way: str
    after: timedelta | None = answers.SNOOZE
    """How long to snooze; None is until the start."""


def acknowledge(given: Given) -> Said:
    """Acknowledge. A late one counts: it may be the only trace that the member knew."""
    if answers.acknowledge(given.delivery, given.way, starts_at=given.starts_at):
        return Said(gettext("Acknowledged. Thank you."))
    return Said(gettext("You have acknowledged this already."))


def snooze(given: Given) -> Said:
    """Tell it again later."""
    delivery = given.delivery
    until = answers.snooze(delivery, given.way, given.after, starts_at=given.starts_at)
    if until is None:
        return Said(gettext("The event is over by then. Not snoozed."), is_done=False)
    return Said(gettext("Snoozed until %(time)s.") % {"time": say_time(until, delivery.member.zone)})


def pass_on(given: Given) -> Said:
    """Ask the next person now; once, however often it is said."""
    if was_said(given.delivery, Answer.Kind.PASSED_ON):
        return Said(gettext("The next person has been asked already."))
    following = answers.pass_on(given.delivery, given.way, starts_at=given.starts_at)
    if following is None:
        return Said(gettext("There is no one else to ask."), is_done=False)
    return Said(gettext("%(name)s will be asked now.") % {"name": foreign(following.name)})


Act = Callable[[Given], Said]
ACTS: Final[dict[str, Act]] = {"acknowledge": acknowledge, "snooze": snooze, "pass_on": pass_on}


def say_when(event: EventFacts, member: Member) -> str:
    """Say when an event is, in the member's zone."""
    day = say_day(event.day(member.zone))
    if event.is_all_day:
        return day
    return gettext("%(day)s at %(time)s (%(zone)s), %(distance)s") % {
        "day": day,
        "time": say_time(event.starts_at, member.zone),
        "zone": member.time_zone,
        "distance": say_distance(event.starts_at - now()),
    }
