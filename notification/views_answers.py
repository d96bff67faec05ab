"""The page behind the link in a mail or a text message.

No login: the signed link stands for the member who received it. Mail programs and scanners open links
by themselves, so opening the page changes nothing; a button does. As the link itself is the
secret, there is no cookie that a forged form could misuse, and so no CSRF token, which would need one.

An answer is about the start that the page showed, which the form sends back (``starts_at``).
"""

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
from eventinvoke.models import Delivery
from eventinvoke.sending.text import facts_from
from eventinvoke.sending.when import say_time
from eventinvoke.views import told_start
from notification.acts import ACTS, Act, Given, Said, acknowledge, say_when
from notification.expiry import ANSWERS, language_of, why_closed
from notification.notices import confirmation_of, find_attempt
from notification.pages import closed_page, private_page

_WAY: Final = "link"


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


def _carry_out(act: Act, delivery: Delivery, request: HttpRequest) -> Said:
    """Answer for the start that was shown; where the event has moved since, say so in place of the outcome."""
    shown = told_start.read_start(request.POST)
    said = act(Given(delivery, shown, _WAY, told_start.read_snooze(request.POST)))
    delivery.event.refresh_from_db()
    if told_start.moved_since(delivery.event, shown):
        sentence = gettext("This event has moved to %(when)s since this page was shown.")
        return Said(sentence % {"when": say_when(facts_from(delivery.event), delivery.member)}, is_done=False)
    return said


def _context(delivery: Delivery, said: Said | None) -> dict[str, object]:
    settled = _why_settled(delivery)
    event = facts_from(delivery.event)
    return {
        "delivery": delivery,
        "event": event,
        "when": say_when(event, delivery.member),
        "said": said,
        "settled": settled if said is None or not said.is_done else "",
        "is_open": not settled and (said is None or not said.is_done),
        "choices": told_start.snooze_choices(delivery),
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


_ACTS: Final[dict[str, Act]] = ACTS | {"confirm": acknowledge}
"""By the value of the button; ``confirm`` is of pages that were open before it was renamed."""
