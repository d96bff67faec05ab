"""The page behind the link in a mail or a text message.

No login: the holder of the signed link counts as the member who was told. Mail programs and scanners open links
by themselves, so that opening the page changes nothing; a button does. As the link itself is the
secret, there is no cookie that a forged form could misuse, and so no CSRF token, which would need one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.clock import now
from common.languages import texts_for
from common.texts import foreign
from eventinvoke.models import Answer, Delivery
from eventinvoke.replies import answers
from eventinvoke.sending.text import EventFacts, facts_from
from eventinvoke.sending.when import say_day, say_distance, say_time
from notification.notices import confirmation_of, find_delivery, was_said
from notification.pages import private_page
from registration.models import Member

_WAY: Final = "link"


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a button."""

    sentence: str
    is_done: bool = True


@csrf_exempt
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, process_id: str) -> HttpResponse:
    """Show a notice with its buttons; carry out the one that was pressed (``do`` in the form)."""
    delivery = find_delivery(process_id)
    language = texts_for(delivery.member.language)
    with override(language):
        said, status = None, HTTPStatus.OK
        if request.method == "POST":
            act = _ACTS.get(request.POST.get("do", ""))
            if act is None:
                said = Said(gettext("Press one of the buttons."), is_done=False)
                status = HTTPStatus.BAD_REQUEST
            else:
                said = act(delivery)
        context = _context(delivery, said) | {"language": language}
        response = render(request, "notification/answer.html", context, status=status)
    response.headers["Content-Language"] = language
    return response


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
        "snooze_minutes": int(answers.SNOOZE.total_seconds() // 60),
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
            return gettext("You confirmed this at %(time)s.") % {"time": at}
        return gettext("%(name)s confirmed this at %(time)s.") % {
            "name": foreign(confirmation.member.name),
            "time": at,
        }
    if delivery.deadline_at <= now():
        return gettext("This is over. There is nothing to do.")
    return ""


def _confirm(delivery: Delivery) -> Said:
    # A late confirmation is still one: it may be the only trace that the member knew.
    if answers.acknowledge(delivery, _WAY):
        return Said(gettext("Thank you. It is confirmed."))
    return Said(gettext("You had confirmed this already."))


def _snooze(delivery: Delivery) -> Said:
    until = answers.snooze(delivery, _WAY)
    if until is None:
        return Said(gettext("There is no time left to remind you again."), is_done=False)
    return Said(
        gettext("You will be reminded at %(time)s.") % {"time": say_time(until, delivery.member.zone)}
    )


def _pass_on(delivery: Delivery) -> Said:
    if was_said(delivery, Answer.Kind.PASSED_ON):
        return Said(gettext("The next person has been asked already."))
    following = answers.pass_on(delivery, _WAY)
    if following is None:
        return Said(gettext("There is nobody else to ask."), is_done=False)
    return Said(gettext("%(name)s will be asked now.") % {"name": foreign(following.name)})


_ACTS: Final[dict[str, Callable[[Delivery], Said]]] = {
    "confirm": _confirm,
    "snooze": _snooze,
    "pass_on": _pass_on,
}
