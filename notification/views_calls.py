"""What a call says when it is answered, and what each key does."""

import logging
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import override

from common.clock import now
from common.requests import whole
from common.states import State
from eventinvoke.channels.voice.voices import voice_for
from eventinvoke.links import link
from eventinvoke.models import Answer, Attempt
from eventinvoke.providers.twilio.statuses import ANSWERED_BY, VOICEMAIL
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from notification import speech
from notification.expiry import ANSWERS, language_of, why_closed
from notification.notices import confirmation_found, find_call, note_told, was_said
from notification.reports import fingerprint
from notification.signatures import from_twilio, parameters
from notification.twiml import Script

log = logging.getLogger(__name__)

_READINGS: Final = 3
"""How often the notice is read before the call says goodbye."""
_WAY: Final = "key"
_KEY: Final = "key "


@from_twilio
def call_content(request: HttpRequest, process_id: str) -> HttpResponse:
    """Read a notice aloud and ask for a key; or say why it is settled already."""
    attempt = find_call(process_id, parameters(request).get("CallSid", ""))
    delivery = attempt.delivery
    reading = whole(request.GET.get("reading", "")) or 1
    instant = now()
    voice = voice_for(language_of(delivery))
    script = Script(voice)
    with override(voice.texts):
        if closed := why_closed(delivery, ANSWERS):
            return _end(script, closed)
        opening = [speech.greeting(delivery.member)] if reading == 1 else []
        note_told(attempt)
        about = speech.about(delivery, instant)
        settled = speech.why_settled(delivery, confirmation_found(attempt), instant)
        if settled:
            script.say([*opening, about[0], settled, speech.goodbye()])
            script.hang_up()
        elif reading > _READINGS or (reading > 1 and _is_machine(attempt)):
            script.say([speech.goodbye()])
            script.hang_up()
        else:
            script.ask([*opening, *about, *speech.menu()], _at("call-key", process_id, reading))
            script.go_to(_at("call-content", process_id, reading + 1))
    return script.answer()


@from_twilio
def call_key(request: HttpRequest, process_id: str) -> HttpResponse:
    """Do what a key says and say what was done; for a key that means nothing, read the notice again.

    Any key is evidence of a person, so the notice counts as reached.
    """
    told = parameters(request)
    attempt = find_call(process_id, told.get("CallSid", ""))
    delivery = attempt.delivery
    digit = told.get("Digits", "")[:1]
    reading = whole(request.GET.get("reading", "")) or 1
    voice = voice_for(language_of(delivery))
    script = Script(voice)
    if digit:
        apply(
            Report(
                attempt_id=attempt.pk,
                status=f"{_KEY}{digit}",
                fingerprint=fingerprint(attempt.pk, "key", attempt.provider_id, digit),
                means=State.DELIVERED,
                provider_id=attempt.provider_id,
                kind=delivery.kind,
            )
        )
    with override(voice.texts):
        if closed := why_closed(delivery, ANSWERS):
            return _end(script, closed)
        done = _KEYS[digit](attempt) if digit in _KEYS else None
        is_final = done is not None and done[1]
        if done is not None:
            script.say([done[0]])
        if is_final:
            script.say([speech.goodbye()])
            script.hang_up()
        else:
            script.go_to(_at("call-content", process_id, reading + 1))
    return script.answer()


@from_twilio
def call_fallback(request: HttpRequest, process_id: str) -> HttpResponse:
    """Say a sentence when the content could not be fetched. It uses no database, which may be the cause."""
    log.error(
        "a call had no content: %.6s…: error %s", process_id, whole(parameters(request).get("ErrorCode", ""))
    )
    script = Script(voice_for("en"))
    script.say(
        ["This is PFS Notice. There is a notice for you, but it can't be read out now. Please look it up."]
    )
    script.hang_up()
    return script.answer()


def _end(script: Script, sentence: str) -> HttpResponse:
    """Say one sentence and goodbye, and hang up."""
    script.say([sentence, speech.goodbye()])
    script.hang_up()
    return script.answer()


def _is_machine(attempt: Attempt) -> bool:
    """Say whether an answering machine listens, which has heard it once; a key shows that none does."""
    words = attempt.receipts.values_list("status", flat=True)
    return any(ANSWERED_BY.get(word) == VOICEMAIL for word in words) and not any(
        word.startswith(_KEY) for word in words
    )


def _at(name: str, process_id: str, reading: int) -> str:
    return f"{link(f'notification:{name}', process_id)}?reading={reading}"


def _confirm(attempt: Attempt) -> tuple[str, bool]:
    return speech.confirmed(
        is_new=answers.acknowledge(attempt.delivery, _WAY, starts_at=attempt.starts_at)
    ), True


def _snooze(attempt: Attempt) -> tuple[str, bool]:
    until = answers.snooze(attempt.delivery, _WAY, starts_at=attempt.starts_at)
    return speech.snoozed(until, attempt.delivery.member), until is not None


def _pass_on(attempt: Attempt) -> tuple[str, bool]:
    if was_said(attempt.delivery, Answer.Kind.PASSED_ON):
        # A repeated request must not bring one person after the other out of bed.
        return speech.passed_on_before(), True
    following = answers.pass_on(attempt.delivery, _WAY, starts_at=attempt.starts_at)
    return speech.passed_on(following), following is not None


def _stop(attempt: Attempt) -> tuple[str, bool]:
    answers.stop(attempt.delivery, _WAY, starts_at=attempt.starts_at)
    return speech.stopped(), True


_KEYS: Final[dict[str, Callable[[Attempt], tuple[str, bool]]]] = {
    "1": _confirm,
    "2": _snooze,
    "3": _pass_on,
    "9": _stop,
}
"""What each key does: it returns what to say, and whether the call is over then."""
