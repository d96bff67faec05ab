"""Twilio's status callbacks: https://www.twilio.com/docs/voice/api/call-resource#statuscallback."""

from http import HTTPStatus
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

from common.errors import ForgedError
from common.requests import whole
from eventinvoke.models import Delivery
from eventinvoke.planning.target_loss import disable_and_tell
from eventinvoke.providers.twilio import statuses
from eventinvoke.providers.twilio.codes import UNSUBSCRIBED
from eventinvoke.replies.receipts import Report, apply
from notification.notices import attempt_id_of
from notification.reports import fingerprint, payload
from notification.signatures import from_twilio, parameters
from registration.models import Target

_ORDERED: Final = "call-progress-events"
"""CallbackSource of those callbacks about a call that are numbered."""


@from_twilio
def call_status(request: HttpRequest, process_id: str) -> HttpResponse:
    """Record the progress of a call (``StatusCallback``) and who answered it (``AsyncAmdStatusCallback``)."""
    told = parameters(request)
    status, answered_by = told.get("CallStatus", ""), told.get("AnsweredBy", "")
    if not status and not answered_by:
        return _incomplete("CallStatus is missing.")
    attempt_id = attempt_id_of(process_id)
    number = told.get("SequenceNumber", "")
    meaning = statuses.of_call(status, answered_by)
    return _taken_in(
        Report(
            attempt_id=attempt_id,
            status=_word(status, answered_by),
            fingerprint=fingerprint(attempt_id, "call", told.get("CallSid", ""), status, number, answered_by),
            means=meaning.means,
            sequence=whole(number) if told.get("CallbackSource") == _ORDERED else None,
            reason=meaning.reason,
            may_redial=meaning.may_redial,
            payload=payload(told),
            provider_id=told.get("CallSid", ""),
            kind="voice",
        )
    )


@from_twilio
def message_status(request: HttpRequest, process_id: str) -> HttpResponse:
    """Record the progress of a text message. The target ends only when its owner has answered STOP."""
    told = parameters(request)
    status = told.get("MessageStatus", "") or told.get("SmsStatus", "")
    sid, error_code = told.get("MessageSid", ""), whole(told.get("ErrorCode", ""))
    if not status:
        return _incomplete("MessageStatus is missing.")
    attempt_id = attempt_id_of(process_id)
    meaning = statuses.of_message(status, error_code)
    answer = _taken_in(
        Report(
            attempt_id=attempt_id,
            status=status,
            fingerprint=fingerprint(attempt_id, "message", sid, status, str(error_code)),
            means=meaning.means,
            reason=meaning.reason,
            payload=payload(told),
            provider_id=sid,
            kind="sms",
        )
    )
    if error_code == UNSUBSCRIBED:
        targets = Delivery.objects.filter(attempts_made=attempt_id).values("target")
        disable_and_tell(Target.objects.filter(pk__in=targets), meaning.reason)
    return answer


def _incomplete(what: str) -> HttpResponse:
    return HttpResponse(what, status=HTTPStatus.BAD_REQUEST, content_type="text/plain")


def _word(status: str, answered_by: str) -> str:
    return f"{status} by {answered_by}" if status and answered_by else status or answered_by


def _taken_in(report: Report) -> HttpResponse:
    """Apply a report. It is idempotent: repeated and late reports get the same answer."""
    try:
        apply(report)
    except ForgedError:
        raise Http404("There is no such notice.") from None
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
