"""The page behind the link in a mail or a text message.

No login: the signed link stands for the member who received it. Mail programs and scanners open links
by themselves, so opening the page changes nothing; a button does. As the link itself is the
secret, there is no cookie that a forged form could misuse, and so no CSRF token, which would need one.

An answer is about the start that the page showed, which the form sends back (``starts_at``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.channels import registry
from common.clock import now
from common.process_ids import Purpose
from common.texts import foreign
from eventinvoke.models import Answer, Delivery
from eventinvoke.replies import answers
from eventinvoke.sending.text import EventFacts, facts_from
from eventinvoke.sending.when import say_day, say_distance, say_time
from eventinvoke.views import told_start
from notification.expiry import ANSWERS, language_of, why_closed
from notification.notices import confirmation_of, find_attempt, was_said
from notification.pages import closed_page, private_page
from registration.models import Member

_WAY: Final = "link"


@dataclass(frozen=True, slots=True)
class Said:
    """The outcome of a button."""

    sentence: str
    is_done: bool = True


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that was pressed: of which notice, for which start, and the choice of Snooze."""

    delivery: Delivery
    shown: datetime | None
    after: timedelta | None


@csrf_exempt
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, process_id: str) -> HttpResponse:
    """Show a notice with its buttons; carry out the one that was pressed (``do`` in the form)."""
    kinds = {kind for kind, channel in registry().items() if channel.capabilities.has_answer_link}
    delivery = find_attempt(process_id, kinds, Purpose.ANSWER).delivery
    language = language_of(delivery)
    with override(language):
        reason = why_closed(delivery, ANSWERS)
        response = closed_page(request, reason, language) if reason else _page(request, delivery, language)
    response.headers["Content-Language"] = language
    return response


def _page(request: HttpRequest, delivery: Delivery, language: str) -> HttpResponse:
    said, status = None, HTTPStatus.OK
    if request.method == "POST":
        act = _ACTS.get(request.POST.get("do", ""))
        if act is None:
            said = Said(gettext("Press one of the buttons."), is_done=False)
            status = HTTPStatus.BAD_REQUEST
        else:
            said = _carry_out(act, delivery, request)
    context = _context(delivery, said) | {"language": language}
    return render(request, "notification/answer.html", context, status=status)


def _carry_out(act: "Act", delivery: Delivery, request: HttpRequest) -> Said:
    """Answer for the start that was shown; where the event has moved since, say so in place of the outcome."""
    shown = told_start.read_start(request.POST)
    said = act(Pressed(delivery, shown, told_start.read_snooze(request.POST)))
    delivery.event.refresh_from_db()
    if told_start.moved_since(delivery.event, shown):
        sentence = gettext("This event has moved to %(when)s since this page was shown.")
        return Said(sentence % {"when": _when(facts_from(delivery.event), delivery.member)}, is_done=False)
    return said


def _context(delivery: Delivery, said: Said | None) -> dict[str, object]:
    settled = _why_settled(delivery)
    event = facts_from(delivery.event)
    return {
        "delivery": delivery,
        "event": event,
        "when": _when(event, delivery.member),
        "said": said,
        "settled": settled if said is None or not said.is_done else "",
        "is_open": not settled and (said is None or not said.is_done),
        "choices": told_start.snooze_choices(delivery),
    }


def _when(event: EventFacts, member: Member) -> str:
    day = say_day(event.day(member.zone))
    if event.is_all_day:
        return day
    return gettext("%(day)s at %(time)s (%(zone)s), %(distance)s") % {
        "day": day,
        "time": say_time(event.starts_at, member.zone),
        "zone": member.time_zone,
        "distance": say_distance(event.starts_at - now()),
    }


def _why_settled(delivery: Delivery) -> str:
    """Say what makes an answer needless; "" while one is wanted."""
    if delivery.event.canceled_at is not None:
        return gettext("This was canceled. There is nothing to do.")
    confirmation = confirmation_of(delivery)
    if confirmation is not None:
        at = say_time(confirmation.at, delivery.member.zone)
        if confirmation.member_id == delivery.member_id:
            return gettext("You acknowledged this at %(time)s.") % {"time": at}
        return gettext("%(name)s acknowledged this at %(time)s.") % {
            "name": foreign(confirmation.member_name),
            "time": at,
        }
    if delivery.deadline_at <= now():
        return gettext("This is over. There is nothing to do.")
    return ""


def _acknowledge(pressed: Pressed) -> Said:
    # A late acknowledgement counts: it may be the only trace that the member knew.
    if answers.acknowledge(pressed.delivery, _WAY, starts_at=pressed.shown):
        return Said(gettext("Acknowledged. Thank you."))
    return Said(gettext("You have acknowledged this already."))


def _snooze(pressed: Pressed) -> Said:
    delivery = pressed.delivery
    until = answers.snooze(delivery, _WAY, pressed.after, starts_at=pressed.shown)
    if until is None:
        return Said(gettext("The event is over by then. Not snoozed."), is_done=False)
    return Said(gettext("Snoozed until %(time)s.") % {"time": say_time(until, delivery.member.zone)})


def _pass_on(pressed: Pressed) -> Said:
    if was_said(pressed.delivery, Answer.Kind.PASSED_ON):
        return Said(gettext("The next person has been asked already."))
    following = answers.pass_on(pressed.delivery, _WAY, starts_at=pressed.shown)
    if following is None:
        return Said(gettext("There is no one else to ask."), is_done=False)
    return Said(gettext("%(name)s will be asked now.") % {"name": foreign(following.name)})


Act = Callable[[Pressed], Said]
_ACTS: Final[dict[str, Act]] = {
    "acknowledge": _acknowledge,
    "confirm": _acknowledge,  # pages that were open before the button was renamed
    "snooze": _snooze,
    "pass_on": _pass_on,
}
