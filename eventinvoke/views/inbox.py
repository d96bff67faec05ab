"""The inbox page, the poll that makes it live, and the answers."""

import json
from typing import Final, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.requests import next_page, row_key
from common.states import State
from eventinvoke.inbox import (
    KIND,
    acknowledged_among,
    mark_read,
    mark_seen,
    news_for,
    notices_of,
    read_at,
    told_again_at,
)
from eventinvoke.models import Delivery, Event
from eventinvoke.replies import answers
from eventinvoke.sending.closing import closed_tags
from eventinvoke.sending.text import own_texts
from eventinvoke.views import told_start
from eventinvoke.views.history import SLACK, page_of
from eventinvoke.views.scope import own_deliveries
from registration.membership import member_in
from registration.templatetags.panel import day_word

_PAGE: Final = 20
_TOASTS: Final = 3
_SEEN_AT_ONCE: Final = 50


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the notices, the newest first."""
    member = member_in(request)
    news = news_for(member)
    rows = notices_of(member).filter(due_at__lte=now() + SLACK)
    notices, older = page_of(rows, request.GET.get("before", ""), size=_PAGE)
    prefetch_related_objects(notices, "answers")
    context = {
        "notices": notices,
        "older": older,
        "mark": read_at(member),
        "inbox_token": news.token,
        "again": told_again_at(notices),
        "acknowledged": acknowledged_among(member, notices),
        "texts": own_texts(notices),
    }
    return render(request, "eventinvoke/inbox.html", context)


@never_cache
@require_safe
def inbox_news(request: HttpRequest) -> HttpResponse:
    """Answer the poll of an open page: 204 while nothing changed, else the badge and the new notices."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    member = member_in(request)
    news = news_for(member)
    known = request.GET.get("token", "")
    if known == news.token:
        return HttpResponse(status=204)
    is_inbox = request.headers.get("HX-Current-URL", "").split("?")[0].endswith(reverse("eventinvoke:inbox"))
    toasts = []
    if news.unseen and not is_inbox:
        rows = notices_of(member).filter(pk__in=news.unseen[:_TOASTS], state=State.SENT)
        toasts = list(rows.select_related("event", "member", "registration").order_by("due_at"))
    context = {"news": news, "toasts": toasts, "texts": own_texts(toasts)}
    response = render(request, "eventinvoke/inbox_news.html", context)
    if known and known.split("-")[0] != news.state:
        response["HX-Trigger"] = json.dumps(
            {"inbox-changed": {}, "notices-closed": {"tags": closed_tags(member)}}
        )
    return response


@login_required
@require_POST
def inbox_seen(request: HttpRequest) -> HttpResponse:
    """Note which notices the browser showed (``pk``, as often as needed)."""
    pks = [row_key(pk) for pk in request.POST.getlist("pk")[:_SEEN_AT_ONCE]]
    mark_seen(member_in(request), pks)
    return HttpResponse(status=204)


@login_required
@require_POST
def inbox_read(request: HttpRequest) -> HttpResponse:
    """Note that the inbox was opened."""
    mark_read(member_in(request))
    return HttpResponse(status=204)


@login_required
@require_POST
def delivery_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledge a notice, for the start that the page showed (``starts_at``): later steps are not sent."""
    delivery = _answerable(request, pk)
    answers.acknowledge(delivery, _way(delivery), starts_at=told_start.read_start(request.POST))
    return _respond(request, delivery, Said("Acknowledged."))


@login_required
@require_POST
def delivery_snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Notify again later: ``after`` so many minutes, or at the start."""
    delivery, after = _answerable(request, pk), told_start.read_snooze(request.POST)
    shown = told_start.read_start(request.POST)
    at = answers.snooze(delivery, _way(delivery), after, starts_at=shown)
    if at is None:
        return _respond(
            request,
            delivery,
            Said("Not snoozed: the event is over by then, has changed, or is acknowledged.", is_done=False),
        )
    return _respond(request, delivery, Said(f"Snoozed until {timezone.localtime(at):%H:%M}."))


class Said(NamedTuple):
    """The outcome of a button, in a sentence."""

    sentence: str
    is_done: bool = True


def _answerable(request: HttpRequest, pk: int) -> Delivery:
    rows = own_deliveries(request).exclude(state=State.PENDING).select_related("event", "member", "target")
    return get_object_or_404(rows, pk=pk)


def _way(delivery: Delivery) -> str:
    return "inbox" if delivery.kind == KIND else "panel"


def _respond(request: HttpRequest, delivery: Delivery, said: Said) -> HttpResponse:
    """Show what came of an answer; where the event has moved since the page was shown, the new start."""
    rows = Delivery.objects.select_related("event", "target", "member", "registration")
    fresh = rows.prefetch_related("answers").get(pk=delivery.pk)
    has_moved = told_start.moved_since(fresh.event, told_start.read_start(request.POST))
    if has_moved:
        said = Said(_say_moved(fresh.event), is_done=False)
    if request.headers.get("HX-Request"):
        return _show(request, fresh, said, has_moved=has_moved)
    (messages.success if said.is_done else messages.warning)(request, said.sentence)
    return next_page(request, "eventinvoke:inbox")


def _say_moved(event: Event) -> str:
    day = event.starts_on if event.is_all_day and event.starts_on else event.starts_at
    at = "" if event.is_all_day else f", {timezone.localtime(event.starts_at):%H:%M}"
    return f"This event has moved to {day_word(day)}{at} since this page was shown."


def _show(request: HttpRequest, notice: Delivery, said: Said, *, has_moved: bool) -> HttpResponse:
    """Show the row of a notice; its toast, where the answer came from one and there is something to read."""
    is_toast = request.headers.get("HX-Target", "").startswith("toast-")
    context = {
        "notice": notice,
        "said": said,
        "has_moved": has_moved,
        "again": told_again_at([notice]),
        "acknowledged": acknowledged_among(member_in(request), [notice]),
        "texts": own_texts([notice]),
    }
    response = render(request, f"eventinvoke/{'toast' if is_toast else 'notice'}.html", context)
    if is_toast and not said.is_done:
        response["HX-Reswap"] = "outerHTML"
    return response
