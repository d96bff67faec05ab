"""Getting no more mail at an address: one click in the mail program (RFC 8058), or a page with a button."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.languages import texts_for
from eventinvoke.planning.target_loss import disable_and_tell
from notification.notices import find_delivery
from notification.pages import private_page
from registration.models import Target

REASON: Final = "Its owner asked for no more mail here, by the link in a mail."


@csrf_exempt  # a mail program sends the form, without cookies (RFC 8058, 3.2)
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, process_id: str) -> HttpResponse:
    """Ask (GET) before, or (POST) switch the target off that a notice was sent to."""
    delivery = find_delivery(process_id)
    if request.method == "POST":
        disable_and_tell(Target.objects.filter(pk=delivery.target_id or 0), REASON)
        delivery.target.refresh_from_db()
    language = texts_for(delivery.member.language)
    with override(language):
        context = {"target": delivery.target, "language": language}
        response = render(request, "notification/unsubscribe.html", context)
    response.headers["Content-Language"] = language
    return response
