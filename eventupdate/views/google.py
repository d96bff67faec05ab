"""Connecting a Google account: the redirect to Google's consent page, and the callback.

Google's libraries are imported by these views when they are used, as they load slowly.
"""

from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.clock import now
from common.errors import InputError
from common.requests import row_key
from eventinvoke.links import public_url
from eventupdate.connecting import EXCHANGE
from registration.access import accounts_for
from registration.jobs import Result, result_for
from registration.membership import member_in
from registration.models import CalendarAccount
from registration.views.jobs import wait_for

KEY: Final = "google_consent"
"""The session's key for a consent in progress."""
MAX_SECONDS: Final = 1800.0
_NOT_OURS: Final = (
    "This response of Google does not belong to a request of this browser, or it comes too late. "
    "Nothing was changed; try again."
)


@login_required
@never_cache
@require_safe
def google_connect(request: HttpRequest) -> HttpResponse:
    """Redirect the member to Google's consent page. Only this session can use the result."""
    from eventupdate.providers.google.flow import ask_consent  # noqa: PLC0415 - see the module's docstring

    if not (settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET):
        raise Http404
    again = None
    if request.GET.get("account"):
        google = accounts_for(request.user).filter(provider=CalendarAccount.Provider.GOOGLE)
        again = get_object_or_404(google, pk=row_key(request.GET["account"]))
    consent = ask_consent(_callback_url(), again.name if again else "")
    is_for_everybody = request.user.is_staff and request.GET.get("for") == "everybody"
    request.session[KEY] = {
        "state": consent.state,
        "verifier": consent.verifier,
        "asked_at": now().timestamp(),
        "is_for_everybody": again.owner_id is None if again else is_for_everybody,
        "account": again.pk if again else None,
    }
    return redirect(consent.url)


@login_required
@never_cache
@require_safe
def google_callback(request: HttpRequest) -> HttpResponse:
    """Handle Google's redirect back, then the worker's result. An invalid redirect changes nothing."""
    result = result_for(request, member_in(request), EXCHANGE)
    if result is not None:
        return _lead_on(request, result)
    asked = request.session.get(KEY) or {}
    if not _is_ours(request, asked):
        return _refuse(request, _NOT_OURS)
    del request.session[KEY]
    if request.GET.get("error"):
        return _refuse(request, "You did not let PFS Notice read your calendars. Nothing was changed.")
    given = {
        "callback_url": _callback_url(),
        "code": request.GET.get("code", ""),
        "verifier": asked["verifier"],
        "account": asked["account"],
        "is_for_everybody": asked["is_for_everybody"] and request.user.is_staff,
    }
    try:
        return wait_for(request, EXCHANGE, request.path, **given)
    except InputError as error:
        return _refuse(request, error.message)


def _lead_on(request: HttpRequest, result: Result) -> HttpResponse:
    if "problem" in result:
        return _refuse(request, result["problem"])
    account = get_object_or_404(accounts_for(request.user), pk=result["account"])
    if result["is_again"]:
        messages.success(request, f"“{account}” is connected again.")
        return redirect("registration:calendar-list")
    messages.success(request, f"“{account}” is connected. Choose its calendars.")
    return redirect(f"{reverse('eventupdate:account-choose', args=[account.pk])}?job={request.GET['job']}")


def _is_ours(request: HttpRequest, asked: dict[str, Any]) -> bool:
    if not asked or now().timestamp() - asked["asked_at"] > MAX_SECONDS:
        return False
    return constant_time_compare(request.GET.get("state", ""), asked["state"])


def _refuse(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return redirect("registration:calendar-list")


def _callback_url() -> str:
    return public_url(reverse("eventupdate:google-callback"))
