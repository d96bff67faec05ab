"""What became of one delivery, and of one event, in plain words."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from common.channels import Outcome
from common.clock import now
from common.states import FINAL, State
from eventinvoke.models import Answer, Attempt, Delivery, Event
from eventinvoke.views.changes import lines_of
from eventinvoke.views.scope import deliveries_for, open_to, origin_of, own_deliveries

LIMIT: Final = 200


class Entry(NamedTuple):
    """One line of a timeline."""

    at: datetime
    icon: str
    colour: str
    title: str
    text: str = ""


_OUTCOMES: Final = {
    "": ("send", "blue", "Handed to the provider; no answer yet"),
    Outcome.ACCEPTED: ("check", "blue", "The provider took it"),
    Outcome.DELIVERED: ("checks", "teal", "It arrived"),
    Outcome.RETRY: ("refresh", "yellow", "Not taken; it is tried again"),
    Outcome.REJECTED: ("alert-triangle", "red", "Refused for good"),
    Outcome.GONE: ("x", "red", "The target is gone, and was switched off"),
    Outcome.MISCONFIGURED: ("settings", "orange", "Our own settings with the provider are wrong"),
    Outcome.UNKNOWN: ("info-circle", "yellow", "Nobody knows whether it was taken"),
}
_ANSWERS: Final = {
    Answer.Kind.CONFIRMED: ("circle-check", "green", "Confirmed"),
    Answer.Kind.SNOOZED: ("zzz", "azure", "Put off"),
    Answer.Kind.PASSED_ON: ("users", "azure", "Passed on to the next person"),
    Answer.Kind.STOPPED: ("ban", "orange", "Asked not to be told about this any more"),
}
_WAYS: Final = {
    "inbox": "in the inbox",
    "panel": "in the panel",
    "key": "by a key of the phone",
    "link": "by a link",
    "push": "by a button of the notification",
}
_STATUSES: Final = {
    "queued": "The call or message is queued",
    "accepted": "The provider took it",
    "scheduled": "It is scheduled",
    "initiated": "The number is being dialled",
    "sending": "It is being sent",
    "ringing": "The phone rings",
    "in-progress": "Somebody picked up",
    "answered": "Somebody picked up",
    "completed": "The call is over",
    "busy": "The line was busy",
    "no-answer": "Nobody picked up",
    "machine": "A voicemail picked up",
    "canceled": "It was taken back",
    "failed": "It failed",
    "sent": "It is on its way",
    "delivered": "It arrived on the device",
    "undelivered": "It did not arrive",
    "shown": "The browser showed it",
    "clicked": "It was opened",
    "closed": "It was closed unread",
    "seen": "It was shown in the panel",
    "confirm": "Its button was pressed",
    "snooze": "Its button was pressed",
    "human": "A person answered",
    "fax": "A fax machine answered",
    "unknown": "Nobody could tell whether a person answered",
}

_ANSWERING: Final = frozenset({"clicked", "confirm", "snooze"})
"""Of a notification in a browser. Firefox reports closed as well, before or after: it was not closed unread."""


def say_status(status: str) -> str:
    """Return what a receipt's word means, in plain words.

    A word may say who answered ("completed by human") or which key was pressed ("key 1").
    """
    if status.startswith("key "):
        return f"Key {status.removeprefix('key ')} was pressed"
    word = status.partition(" by ")[0]
    if word.startswith("machine"):
        word = "machine"
    return _STATUSES.get(word, f"The provider reports “{status}”")


def timeline(delivery: Delivery, attempts: Iterable[Attempt], answers: Iterable[Answer]) -> list[Entry]:
    """Return everything that is known of a delivery, in the order in which it happened."""
    entries = [Entry(delivery.created_at, "calendar-plus", "secondary", "Planned")]
    for attempt in attempts:
        entries += _of_attempt(attempt)
    for answer in answers:
        icon, colour, title = _ANSWERS[Answer.Kind(answer.kind)]
        way = _WAYS.get(answer.way, f"by {answer.way}")
        entries.append(Entry(answer.at, icon, colour, f"{title} {way}", f"{answer.member}"))
    entries.sort(key=lambda entry: entry.at)
    return [*entries, *_what_follows(delivery)]


def _of_attempt(attempt: Attempt) -> Iterator[Entry]:
    number = "Sent" if attempt.number == 1 else f"Sent again (try {attempt.number})"
    yield Entry(attempt.started_at, "send", "blue", number)
    icon, colour, title = _OUTCOMES[Outcome(attempt.outcome) if attempt.outcome else ""]
    yield Entry(attempt.ended_at or attempt.started_at, icon, colour, title, attempt.reason)
    receipts = attempt.receipts.all()
    is_answered = any(receipt.status in _ANSWERING for receipt in receipts)
    for receipt in receipts:
        if is_answered and receipt.status == "closed":
            continue
        title = say_status(receipt.status)
        colour = "teal" if receipt.is_applied else "secondary"
        yield Entry(receipt.received_at, "message", colour, title)


def _what_follows(delivery: Delivery) -> Iterator[Entry]:
    state = State(delivery.state)
    if state is State.PENDING:
        word = "Next try" if delivery.attempts else "Due"
        yield Entry(delivery.next_attempt_at, "clock", "azure", word, delivery.reason)
    elif state in {State.SUPPRESSED, State.CANCELED, State.EXPIRED}:
        titles = {State.SUPPRESSED: "Held back", State.CANCELED: "Canceled", State.EXPIRED: "Too late"}
        yield Entry(delivery.due_at, "ban", "secondary", titles[state], delivery.reason)
    elif state in {State.FAILED, State.UNDELIVERED}:
        title = "Given up" if state is State.FAILED else "Not reached"
        yield Entry(delivery.next_attempt_at, "alert-triangle", "red", title, delivery.reason)


@login_required
@require_safe
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one delivery with its whole timeline."""
    rows = deliveries_for(request).select_related("event", "target", "member", "registration", "step")
    delivery = get_object_or_404(rows, pk=pk)
    attempts = delivery.attempts_made.prefetch_related("receipts")[:LIMIT]
    answers = delivery.answers.select_related("member")
    can_answer = (
        State(delivery.state) not in FINAL | {State.PENDING}
        and own_deliveries(request).filter(pk=pk).exists()
        and delivery.event.canceled_at is None
    )
    context = {
        "delivery": delivery,
        "event": delivery.event,
        "entries": timeline(delivery, attempts, answers),
        "can_answer": can_answer,
    }
    return render(request, "eventinvoke/delivery_detail.html", context)


@login_required
@require_safe
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event with what was and will be told about it to those whom this account may see."""
    event = get_object_or_404(Event, pk=pk)
    rows = deliveries_for(request).filter(event=event).exclude(state=State.CANCELED)
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
    }
    return render(request, "eventinvoke/event_detail.html", context)
