"""Getting no more mail at an address: one click in the mail program (RFC 8058), or a page with a button."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.process_ids import Purpose
from eventinvoke.models import Delivery
from eventinvoke.planning.target_loss import disable_and_tell
from notification.expiry import UNSUBSCRIBING, language_of, why_closed
from notification.notices import find_attempt
from notification.pages import closed_page, private_page
from registration.models import Target

REASON: Final = "Its owner asked for no more mail here, by the link in a mail."


@csrf_exempt  # a mail program sends the form, without cookies (RFC 8058, 3.2)
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, process_id: str) -> HttpResponse:
    """Ask (GET) before, or (POST) switch the target off that a notice was sent to."""
    delivery = find_attempt(process_id, {"email"}, Purpose.UNSUBSCRIBE).delivery
    language = language_of(delivery)
    with override(language):
        response = _page(request, delivery, language)
    response.headers["Content-Language"] = language
    return response


def _page(request: HttpRequest, delivery: Delivery, language: str) -> HttpResponse:
    if reason := why_closed(delivery, UNSUBSCRIBING):
        return closed_page(request, reason, language)
    targets = Target.objects.filter(pk=delivery.target_id or 0)
    if request.method == "POST":
        disable_and_tell(targets, REASON)
    target = targets.first()
    if target is None:
        return closed_page(request, gettext("This contact method was deleted."), language)
    return render(request, "notification/unsubscribe.html", {"target": target, "language": language})
