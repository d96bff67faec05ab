"""What a service worker reports about a push, and the answers that its buttons give.

It sends JSON, ``{"what": "shown"}``, to an address that only it was told; there is no cookie. With an
answer comes the start that the push told of (``starts_at``, RFC 3339): where the event has moved
since, the answer is about the old time, and the new one is told of all the same.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.errors import InputError
from common.requests import whole
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from notification.expiry import ANSWERS, why_closed
from notification.notices import find_attempt
from notification.problems import problem
from notification.reports import fingerprint

_MAX_BODY: Final = 2048
_WAY: Final = "push"
_MEANS: Final = {
    "shown": State.DELIVERED,
    "clicked": State.DELIVERED,
    "confirm": State.DELIVERED,
    "snooze": State.DELIVERED,
    # Closing says no more than that it was shown: browsers also close notifications by themselves.
    "closed": None,
}


@csrf_exempt
@never_cache
@require_POST
def push_report(request: HttpRequest, process_id: str) -> HttpResponse:
    """Take in what became of a push, and the answer to it. A repeat changes nothing."""
    try:
        attempt = find_attempt(process_id, {"webpush"})
        body = _body(request)
        what, told = _what(body), _told(body)
    except Http404:
        return problem(HTTPStatus.NOT_FOUND, "There is no such notice.")
    except InputError as error:
        return problem(HTTPStatus.BAD_REQUEST, error.message, field=error.field)
    if reason := why_closed(attempt.delivery, ANSWERS):
        return problem(HTTPStatus.GONE, reason)
    apply(
        Report(
            attempt_id=attempt.pk,
            status=what,
            fingerprint=fingerprint(attempt.pk, "push", what),
            means=_MEANS[what],
            kind=attempt.delivery.kind,
            payload={"what": what},
        )
    )
    said: dict[str, Any] = {"what": what}
    shown = attempt.starts_at or _exact(told, attempt.delivery)
    if what == "confirm":
        said["is_new"] = answers.acknowledge(attempt.delivery, _WAY, starts_at=shown)
    elif what == "snooze":
        until = answers.snooze(attempt.delivery, _WAY, starts_at=shown)
        said["until"] = until and until.isoformat()
    return JsonResponse(said)


def _exact(told: datetime | None, delivery: Delivery) -> datetime | None:
    """Return the start that a push told, to the microsecond where it is that of its delivery.

    For attempts of older versions, which do not carry it.
    """
    return None if told == delivery.starts_at.replace(microsecond=0) else told


def _body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that came. Raises ``InputError`` where there is none."""
    length = whole(str(request.META.get("CONTENT_LENGTH") or "0"))
    if length is None or length > _MAX_BODY:
        raise InputError(f"The body is longer than {_MAX_BODY} bytes.")
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InputError("The body is no JSON.") from None
    if not isinstance(found, dict):
        raise InputError("The body is no JSON object.")
    return found


def _what(body: Mapping[str, Any]) -> str:
    """Return what is reported. Raises ``InputError`` for anything that is none of our words."""
    what = body.get("what")
    if not isinstance(what, str) or what not in _MEANS:
        raise InputError(f"“what” is one of {', '.join(sorted(_MEANS))}.", field="what")
    return what


def _told(body: Mapping[str, Any]) -> datetime | None:
    """Return the start that the push told of; None where it does not say."""
    text = body.get("starts_at")
    if text is None:
        return None
    try:
        told = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - the Z is UTC, set below
    except (TypeError, ValueError):
        raise InputError("“starts_at” is a time like 2026-11-20T09:30:00Z.", field="starts_at") from None
    return told.replace(tzinfo=UTC)
