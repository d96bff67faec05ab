"""The history of one delivery, and of one event, in plain words."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from common.channels import Outcome
from common.clock import now
from common.states import FINAL, MISSED, State
from eventinvoke.inbox import acknowledged_among
from eventinvoke.models import Answer, Attempt, Delivery, Event, EventChange
from eventinvoke.views.changes import lines_of
from eventinvoke.views.scope import deliveries_for, open_to, origin_of, own_deliveries
from eventinvoke.views.upcoming import is_snoozed
from registration.membership import member_in

LIMIT: Final = 200
_GOOD: Final = "teal"
_BAD: Final = "red"
_DOUBTFUL: Final = "orange"
_NEUTRAL: Final = "blue"
_PLAIN: Final = "secondary"


class Entry(NamedTuple):
    """One line of a timeline."""

    at: datetime | None
    """When it happened; None where no record tells it: it stands at the end."""
    icon: str
    colour: str
    title: str
    text: str = ""


_OUTCOMES: Final = {
    "": ("send", _NEUTRAL, "Sent to the provider; no answer yet"),
    Outcome.ACCEPTED: ("check", _NEUTRAL, "Accepted by provider"),
    Outcome.DELIVERED: ("checks", _GOOD, "Delivered"),
    Outcome.RETRY: ("refresh", _DOUBTFUL, "Not accepted; will be tried again"),
    Outcome.REJECTED: ("alert-triangle", _BAD, "Rejected by provider"),
    Outcome.UNDELIVERED: ("check", _NEUTRAL, "Accepted by provider"),
    Outcome.GONE: ("x", _BAD, "Contact method no longer exists; switched off"),
    Outcome.MISCONFIGURED: ("settings", _BAD, "Rejected: the settings of this installation are wrong"),
    Outcome.UNKNOWN: ("info-circle", _DOUBTFUL, "Unknown whether the provider accepted it"),
}
_ANSWERS: Final = {
    Answer.Kind.CONFIRMED: ("circle-check", "green", "Acknowledged"),
    Answer.Kind.SNOOZED: ("zzz", "azure", "Snoozed"),
    Answer.Kind.PASSED_ON: ("users", "azure", "Passed on to the next person"),
    Answer.Kind.STOPPED: ("ban", _DOUBTFUL, "Stopped"),
}
_WAYS: Final = {
    "inbox": "in the inbox",
    "panel": "in the panel",
    "key": "by keypress",
    "link": "by link",
    "text": "by text",
    "push": "by a button of the notification",
}
_STATUSES: Final = {
    "queued": (_PLAIN, "Queued"),
    "accepted": (_NEUTRAL, "Accepted by provider"),
    "scheduled": (_PLAIN, "Scheduled"),
    "initiated": (_NEUTRAL, "Dialing"),
    "sending": (_NEUTRAL, "Sending"),
    "ringing": (_NEUTRAL, "Ringing"),
    "in-progress": (_GOOD, "Answered"),
    "answered": (_GOOD, "Answered"),
    "completed": (_PLAIN, "Call ended"),
    "busy": (_BAD, "Busy"),
    "no-answer": (_BAD, "No answer"),
    "machine": (_BAD, "Answered by voicemail"),
    "canceled": (_DOUBTFUL, "Canceled"),
    "failed": (_BAD, "Failed"),
    "sent": (_NEUTRAL, "Sent"),
    "delivered": (_GOOD, "Delivered to the device"),
    "undelivered": (_BAD, "Not delivered"),
    "bounced": (_BAD, "Bounced"),
    "shown": (_GOOD, "Shown by the browser"),
    "clicked": (_GOOD, "Opened"),
    "closed": (_PLAIN, "Notification closed"),
    "seen": (_GOOD, "Shown in the panel"),
    "confirm": (_GOOD, "Button pressed: Acknowledge"),
    "snooze": (_GOOD, "Button pressed: Snooze"),
    "human": (_GOOD, "Answered by a person"),
    "fax": (_BAD, "Answered by a fax machine"),
    "unknown": (_DOUBTFUL, "Answered; unknown whether by a person"),
}
_TEXTS: Final = {
    "acknowledge": (_GOOD, "Answered by text: Acknowledge"),
    "pass_on": (_GOOD, "Answered by text: No"),
    "snooze": (_GOOD, "Answered by text: Snooze"),
    "stop": (_DOUBTFUL, "Answered by text: Stop"),
}
_ENDS: Final = {
    State.SUPPRESSED: ("volume-off", _DOUBTFUL, "Held back"),
    State.CANCELED: ("ban", _PLAIN, "Canceled"),
    State.EXPIRED: ("clock-off", _BAD, "Too late"),
    State.FAILED: ("alert-triangle", _BAD, "Failed"),
    State.UNDELIVERED: ("phone-off", _BAD, "Not reached"),
}

_ANSWERING: Final = frozenset({"clicked", "confirm", "snooze"})
"""Of a notification in a browser. Firefox reports closed as well, before or after: it was not closed unread."""


def say_status(status: str) -> tuple[str, str]:
    """Return the colour and the meaning of a receipt's word.

    A word may say who answered ("completed by human"), which key was pressed ("key 1") or what a text said
    ("text acknowledge").
    """
    if status.startswith("key "):
        return _GOOD, f"Key {status.removeprefix('key ')} pressed"
    if status.startswith("text "):
        return _TEXTS.get(status.removeprefix("text "), (_PLAIN, "A text came back that is no answer"))
    word = status.partition(" by ")[0]
    if word.startswith("machine"):
        word = "machine"
    return _STATUSES.get(word, (_PLAIN, f"Reported by provider: “{status}”"))


def timeline(delivery: Delivery, attempts: Iterable[Attempt], answers: Iterable[Answer]) -> list[Entry]:
    """Return everything that is known of a delivery, in the order in which it happened."""
    facts = [entry for attempt in attempts for entry in _of_attempt(attempt)]
    entries = [Entry(delivery.created_at, "calendar-plus", _PLAIN, "Scheduled"), *facts]
    for answer in answers:
        icon, colour, title = _ANSWERS[Answer.Kind(answer.kind)]
        way = _WAYS.get(answer.way, f"by {answer.way}")
        entries.append(Entry(answer.at, icon, colour, f"{title} {way}", f"{answer.member}"))
    state = State(delivery.state)
    if state in _ENDS:
        icon, colour, title = _ENDS[state]
        entries.append(Entry(_ended_at(delivery, facts), icon, colour, title, delivery.reason))
    entries.sort(key=lambda entry: entry.at or _LAST)
    if state is State.PENDING:
        word = "Next attempt" if delivery.attempts else "Due"
        entries.append(Entry(delivery.next_attempt_at, "clock", "azure", word, delivery.reason))
    return entries


_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def _of_attempt(attempt: Attempt) -> Iterator[Entry]:
    title = "Sent" if attempt.number == 1 else f"Sent again (attempt {attempt.number})"
    yield Entry(attempt.started_at, "send", _NEUTRAL, title)
    icon, colour, title = _OUTCOMES[Outcome(attempt.outcome) if attempt.outcome else ""]
    yield Entry(attempt.ended_at or attempt.started_at, icon, colour, title, attempt.reason)
    receipts = attempt.receipts.all()
    is_answered = any(receipt.status in _ANSWERING for receipt in receipts)
    for receipt in receipts:
        if is_answered and receipt.status == "closed":
            continue
        colour, title = say_status(receipt.status)
        yield Entry(receipt.received_at, "message", colour, title)


def _ended_at(delivery: Delivery, facts: Iterable[Entry]) -> datetime | None:
    """Return when a delivery came to its end, from what is on record; None where nothing tells it."""
    if delivery.settled_at is not None:
        return delivery.settled_at
    instant = now()
    if delivery.state in MISSED:
        # The last bad news decided it; what a provider reports besides changes nothing.
        bad = [entry.at for entry in facts if entry.at is not None and entry.colour in {_BAD, _DOUBTFUL}]
        return max(bad, default=max((one.at for one in facts if one.at is not None), default=None))
    if delivery.state == State.SUPPRESSED:
        return min(delivery.next_attempt_at, instant)
    if delivery.state == State.EXPIRED:
        return min(max(delivery.deadline_at, delivery.created_at), instant)
    return min(_causes(delivery), default=None)


def _causes(delivery: Delivery) -> Iterator[datetime]:
    """Return when something happened that cancels a delivery: it, its event's move, or an answer."""
    event = delivery.event
    if event.canceled_at is not None:
        yield max(event.canceled_at, delivery.created_at)
    since = event.changes.filter(kind=EventChange.Kind.MOVED, at__gte=delivery.created_at)
    yield from since.values_list("at", flat=True)
    concerned = Q(member=delivery.member_id) | Q(delivery__registration=delivery.registration_id or 0)
    ends = event.answers.filter(
        concerned,
        kind__in=[Answer.Kind.CONFIRMED, Answer.Kind.STOPPED],
        at__gte=delivery.created_at,
    )
    yield from ends.values_list("at", flat=True)


@login_required
@require_safe
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one delivery with its whole timeline.

    A page that is open asks with its token, and gets 204 while nothing changed, from one query.
    """
    token = _token(deliveries_for(request).filter(pk=pk))
    if is_known(request, token):
        return HttpResponse(status=204)
    rows = deliveries_for(request).select_related("event", "target", "member", "registration", "step")
    delivery = get_object_or_404(rows, pk=pk)
    attempts = delivery.attempts_made.prefetch_related("receipts")[:LIMIT]
    answers = delivery.answers.select_related("member")
    can_answer = (
        State(delivery.state) not in FINAL - {State.ACKNOWLEDGED} | {State.PENDING}
        and own_deliveries(request).filter(pk=pk).exists()
        and delivery.event.canceled_at is None
        and not acknowledged_among(member_in(request), [delivery])
    )
    context = {
        "delivery": delivery,
        "event": delivery.event,
        "entries": timeline(delivery, attempts, answers),
        "can_answer": can_answer,
        "is_snoozed": is_snoozed(delivery),
        "token": token,
    }
    return render(request, "eventinvoke/delivery_detail.html", context)


@login_required
@require_safe
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event with its notices to those members whom this account may see.

    A page that is open asks with its token, and gets 204 while nothing changed, from two small queries.
    """
    event = get_object_or_404(Event, pk=pk)
    rows = deliveries_for(request).filter(event=event).exclude(state=State.CANCELED)
    token = f"{event.updated_at.timestamp()}-{_token(rows)}"
    if is_known(request, token):
        return HttpResponse(status=204)
    deliveries = list(rows.select_related("target", "member").order_by("due_at", "pk")[:LIMIT])
    origin = origin_of(request, event)
    if not (
        deliveries
        or origin is not None
        or request.user.is_staff
        or open_to(deliveries_for(request).filter(event=event)).exists()
    ):
        raise Http404
    members = {delivery.member_id for delivery in deliveries}
    answers = Answer.objects.filter(event=event, member__in=members).select_related("member")
    context = {
        "event": event,
        "origin": origin,
        "deliveries": deliveries,
        "answers": answers[:LIMIT],
        "lines": lines_of(event.changes.order_by("-at", "-pk")[:LIMIT]),
        "now": now(),
        "token": token,
    }
    return render(request, "eventinvoke/event_detail.html", context)


def is_known(request: HttpRequest, token: str) -> bool:
    """Say whether an open page asks that shows already what ``token`` stands for."""
    return bool(request.headers.get("HX-Request")) and request.GET.get("token") == token


def _token(rows: "QuerySet[Delivery]") -> str:
    """Return a short word that changes when one of some deliveries or its event changes, or is answered."""
    shown = rows.order_by("pk").annotate(
        answered=Count("answers", distinct=True), heard=Max("attempts_made__receipts__pk")
    )
    columns = "pk", "state", "attempts", "next_attempt_at", "event__updated_at", "answered", "heard"
    return sha256(repr(list(shown.values_list(*columns)[:LIMIT])).encode()).hexdigest()[:16]
