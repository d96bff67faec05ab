"""The sentences of a call, in the active language."""

from datetime import datetime, tzinfo
from typing import Final

from django.utils.translation import gettext

from common import sources
from eventinvoke.models import Answer, Delivery
from eventinvoke.replies.answers import SNOOZE
from eventinvoke.sending.text import EventFacts, body_of, facts_from
from eventinvoke.sending.when import local, say_day, say_distance, say_time
from registration.models import Member

_MAX_PLACE: Final = 200


def greeting(member: Member) -> str:
    """Say who calls, and whom."""
    return gettext("Hello %(name)s. This is PFS Notice.") % {"name": member.name}


def about(delivery: Delivery, instant: datetime) -> list[str]:
    """Say what it is about: title, time in the member's zone, place; or title and the member's own text."""
    event = delivery.event
    said = [gettext("%(title)s.") % {"title": event.title.rstrip(" .")}]
    if sources.is_direct(event.source) or (delivery.registration is not None and delivery.registration.text):
        return [*said, *body_of(delivery, instant).splitlines()]
    said.append(_when(facts_from(event), delivery.member.zone, instant))
    if event.location:
        said.append(gettext("Place: %(place)s.") % {"place": event.location[:_MAX_PLACE].rstrip(" .")})
    return said


def _when(event: EventFacts, zone: tzinfo, instant: datetime) -> str:
    date, today = event.day(zone), local(instant, zone).date()
    day = say_day(date, today=today)
    if event.is_all_day:
        return gettext("All day today.") if date == today else gettext("All day on %(day)s.") % {"day": day}
    values = {
        "time": say_time(event.starts_at, zone),
        "day": day,
        "distance": say_distance(event.starts_at - instant),
    }
    if event.starts_at <= instant:
        return gettext("It started at %(time)s, %(distance)s.") % values
    if date == today:
        return gettext("It starts at %(time)s, %(distance)s.") % values
    return gettext("It starts on %(day)s at %(time)s, %(distance)s.") % values


def menu() -> list[str]:
    """Say what each key does."""
    return [
        gettext("Press 1 to acknowledge."),
        gettext("Press 2 to be called again in %(n)d minutes.") % {"n": SNOOZE.total_seconds() // 60},
        gettext("Press 3 to ask the next person."),
        gettext("Press 9 to get no more calls about this."),
        gettext("Press the star key to hear this again."),
    ]


def why_settled(delivery: Delivery, confirmation: Answer | None, instant: datetime) -> str:
    """Say why nothing needs to be done any more; "" when something does."""
    event = delivery.event
    if event.canceled_at is not None:
        return gettext("It was canceled. There is nothing to do.")
    if confirmation is not None and confirmation.member_id == delivery.member_id:
        return gettext("You have acknowledged it already. There is nothing to do.")
    if confirmation is not None:
        return gettext("%(name)s has acknowledged it already. There is nothing to do.") % {
            "name": confirmation.member_name
        }
    if delivery.deadline_at <= instant:
        return gettext("It is over. There is nothing to do.")
    return ""


def confirmed(*, is_new: bool) -> str:
    """Say that it is acknowledged."""
    return gettext("Thank you, it is acknowledged.") if is_new else gettext("It was acknowledged already.")


def snoozed(until: datetime | None, member: Member) -> str:
    """Say when the next call comes, or that there is no time for one."""
    if until is None:
        return gettext("There is no time left for another call.")
    return gettext("You will be called again at %(time)s.") % {"time": say_time(until, member.zone)}


def passed_on(following: Member | None) -> str:
    """Say who is asked now."""
    if following is None:
        return gettext("There is no one else to ask.")
    return gettext("%(name)s will be asked now.") % {"name": following.name}


def passed_on_before() -> str:
    """Say that the next person was asked already."""
    return gettext("The next person has been asked already.")


def stopped() -> str:
    """Say that no more calls come."""
    return gettext("You will not be called about this any more.")


def goodbye() -> str:
    """Say goodbye."""
    return gettext("Goodbye.")
