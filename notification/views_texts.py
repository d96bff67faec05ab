"""Texts that members send: an answer to the last notice that was sent to their number.

https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio's signature says that the number is right. What is
sent back is counted like any other text message, and is short.
"""

from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext, override
from twilio.twiml.messaging_response import MessagingResponse

from common.errors import InputError
from common.states import State
from common.texts import cut, one_line
from eventinvoke.channels import numbers
from eventinvoke.channels.sms.text import template
from eventinvoke.models import Attempt, Receipt
from eventinvoke.planning.target_loss import disable_and_tell
from eventinvoke.providers.twilio.codes import OPTED_OUT
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.sending.text import facts_from
from eventinvoke.views import told_start
from notification.acts import ACTS, Given, say_when
from notification.expiry import language_of
from notification.reports import fingerprint, payload
from notification.signatures import from_twilio, parameters
from notification.text_notices import KIND, is_over, last_notices, targets_of
from notification.words import Word, is_answered_by_twilio, read
from registration import spending
from registration.models import Registration, Target

WAY: Final = "text"
_STATUS: Final = "text "
_MOST_REPLIES: Final = 5
"""So many texts are sent back about one notice: a program may be answering ours."""
_MAX_TITLE: Final = 60


@from_twilio
def text_answer(request: HttpRequest) -> HttpResponse:
    """Take in a text; the answer says what to send back (TwiML), or nothing."""
    told = parameters(request)
    number, body = told.get("From", ""), told.get("Body", "")
    targets = list(targets_of(number))
    notices = last_notices([one for one in targets if one.member.user.is_active])
    language = language_of(notices[0].delivery) if notices else "en"
    word = _word(told.get("OptOutType", ""), body, language)
    if word is Word.START or (_is_opted_out(targets) and is_yes(body)):
        _start(targets)
        return _reply("")
    with override(language):
        said = _take_in(notices, word, told) if notices else ""
        if word is Word.STOP:
            disable_and_tell(Target.objects.filter(pk__in=[one.pk for one in targets]), OPTED_OUT)
            said = gettext("No more text messages come to this number.") if notices else ""
        is_silent = word is Word.HELP or is_answered_by_twilio(body) or told.get("OptOutType", "")
        if is_silent or not said or not _may_write(notices[0], number):
            return _reply("")
        return _reply(template("", said, language, has_links=False))


def is_yes(body: str) -> bool:
    """Say whether Twilio takes it as START from a number that has answered STOP."""
    return body.strip().casefold() == "yes"


def _word(opt_out: str, body: str, language: str) -> Word:
    """Return what a text says; where the Messaging Service handles opting out, its own words count (OptOutType)."""
    return {"STOP": Word.STOP, "START": Word.START, "HELP": Word.HELP}.get(opt_out) or read(body, language)


def _is_opted_out(targets: list[Target]) -> bool:
    return any(one.disabled_reason == OPTED_OUT for one in targets)


def _start(targets: list[Target]) -> None:
    """Switch on what STOP has switched off."""
    pks = [one.pk for one in targets]
    off = Target.objects.filter(pk__in=pks, disabled_at__isnull=False, disabled_reason=OPTED_OUT)
    if off.update(disabled_at=None, disabled_reason=""):
        Registration.objects.filter(steps__target__in=pks).changed()


def _take_in(notices: list[Attempt], word: Word, told: QueryDict) -> str:
    """Carry out an answer to the latest notice; return what to say, "" for a repeated request."""
    attempt = notices[0]
    mark = fingerprint(attempt.pk, "text", told.get("MessageSid", ""))
    if Receipt.objects.filter(fingerprint=mark).exists():
        return ""
    is_answer = word in ACTS or word is Word.STOP
    is_clear = len(notices) == 1
    apply(
        Report(
            attempt_id=attempt.pk,
            status=f"{_STATUS}{word}",
            fingerprint=mark,
            # Phones also answer by themselves ("I'm driving"), so other words are no evidence of a person.
            means=State.DELIVERED if is_answer and is_clear else None,
            payload=payload(told),
            kind=KIND,
        )
    )
    if word is Word.STOP:
        if is_clear and not is_over(attempt.delivery):
            answers.stop(attempt.delivery, WAY, starts_at=attempt.starts_at)
        return ""
    if not is_answer:
        return gettext("Not understood. Reply Y to acknowledge, N to ask the next person, LATER to snooze.")
    if not is_clear:
        return gettext("Several notices came at once. Use the link in the one that you mean.")
    return f"{cut(one_line(attempt.delivery.event.title), _MAX_TITLE)}: {_answered(attempt, word)}"


def _answered(attempt: Attempt, word: Word) -> str:
    delivery = attempt.delivery
    if is_over(delivery):
        return gettext("It is over. There is nothing to do.")
    shown = attempt.starts_at or delivery.starts_at
    said = ACTS[word](Given(delivery, shown, WAY))
    delivery.event.refresh_from_db()
    if told_start.moved_since(delivery.event, shown):
        sentence = gettext("The event has moved to %(when)s. Your answer was about the old time.")
        return sentence % {"when": say_when(facts_from(delivery.event), delivery.member)}
    return said.sentence


def _may_write(attempt: Attempt, number: str) -> bool:
    """Say whether a text may be sent back, and count it."""
    delivery = attempt.delivery
    written = Receipt.objects.filter(attempt=attempt, status__startswith=_STATUS).count()
    if delivery.member is None or written > _MOST_REPLIES or numbers.refusal(number):
        return False
    try:
        spending.take_one(KIND, delivery.member.pk)
    except InputError:
        return False
    return True


def _reply(text: str) -> HttpResponse:
    response = MessagingResponse()
    if text:
        response.message(text)
    return HttpResponse(str(response), content_type="text/xml; charset=utf-8")
