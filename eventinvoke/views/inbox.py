"""The inbox page, the poll that makes it live, and the answers."""

import json
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.states import State
from eventinvoke.inbox import KIND, mark_read, mark_seen, news_for, notices_of, read_at, told_again_at
from eventinvoke.models import Delivery
from eventinvoke.replies import answers
from eventinvoke.sending.text import own_texts
from eventinvoke.views.delivered import page_of
from eventinvoke.views.scope import own_deliveries
from registration.membership import member_in

_TOASTS: Final = 3
_SEEN_AT_ONCE: Final = 50
_DIGITS: Final = 18


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the notices, the newest first."""
    member = member_in(request)
    news = news_for(member)
    rows = notices_of(member).prefetch_related("answers")
    notices, older = page_of(rows, request.GET.get("before", ""))
    context = {
        "notices": notices,
        "older": older,
        "mark": read_at(member),
        "inbox_token": news.token,
        "again": told_again_at(notices),
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
        response["HX-Trigger"] = json.dumps({"inbox-changed": {}})
    return response


@login_required
@require_POST
def inbox_seen(request: HttpRequest) -> HttpResponse:
    """Note which notices the browser showed (``pk``, as often as needed)."""
    pks = [
        int(pk) for pk in request.POST.getlist("pk")[:_SEEN_AT_ONCE] if pk.isdecimal() and len(pk) <= _DIGITS
    ]
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
def delivery_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a notice: whatever else is pending about its event is not sent."""
    delivery = _answerable(request, pk)
    answers.acknowledge(delivery, _way(delivery))
    return _respond(request, delivery, "Confirmed.")


@login_required
@require_POST
def delivery_snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a notice off for a few minutes."""
    delivery = _answerable(request, pk)
    at = answers.snooze(delivery, _way(delivery))
    if at is None:
        return _respond(request, delivery, "It is over by then: you are not told again.")
    return _respond(request, delivery, f"You are told again at {timezone.localtime(at):%H:%M}.")


def _answerable(request: HttpRequest, pk: int) -> Delivery:
    rows = own_deliveries(request).exclude(state=State.PENDING).select_related("event", "member", "target")
    return get_object_or_404(rows, pk=pk)


def _way(delivery: Delivery) -> str:
    return "inbox" if delivery.kind == KIND else "panel"


def _respond(request: HttpRequest, delivery: Delivery, said: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        rows = Delivery.objects.select_related("event", "target", "member", "registration")
        fresh = rows.prefetch_related("answers").get(pk=delivery.pk)
        context = {
            "notice": fresh,
            "said": said,
            "again": told_again_at([fresh]),
            "texts": own_texts([fresh]),
        }
        return render(request, "eventinvoke/notice.html", context)
    messages.success(request, said)
    back = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_safe else "eventinvoke:inbox")
