"""Checking that a request comes from Twilio: https://www.twilio.com/docs/usage/security#validating-requests.

The signature covers the address that Twilio asked for, so it is rebuilt from ``NOTICE_PUBLIC_URL``:
behind a proxy the request's own address differs, and any client can set the Host header.
"""

import logging
from collections.abc import Callable
from functools import wraps
from hmac import compare_digest
from typing import Concatenate, Final, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from twilio.request_validator import RequestValidator

from eventinvoke.links import public_url

log = logging.getLogger(__name__)

signed_views: Final[set[object]] = set()
"""The views that only Twilio may call; they need no session and nothing else that is for browsers."""

_JSON: Final = "application/json"

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


class _Parameters(dict[str, list[str]]):
    """Parameters as Twilio's library reads them fastest: it asks for ``getall`` first."""

    def getall(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self[name]


def parameters(request: HttpRequest) -> QueryDict:
    """Return Twilio's parameters: of the body of a POST, of the query of a GET.

    Without null characters, which PostgreSQL can't store.
    """
    told = request.GET if request.method == "GET" else request.POST
    if not any("\0" in value for _name, values in told.lists() for value in values):
        return told
    clean = told.copy()
    for name, values in told.lists():
        clean.setlist(name, [value.replace("\0", "") for value in values])
    return clean


def is_genuine(request: HttpRequest) -> bool:
    """Say whether the request carries a signature made with one of our tokens, for our account.

    Several tokens are valid during a rotation (``TWILIO_AUTH_TOKENS``); without any, no request is.
    """
    url = public_url(request.get_full_path())
    signed: str | _Parameters = _Parameters()
    if request.method != "GET" and request.content_type == _JSON:
        if "bodySHA256" not in request.GET:
            return False  # then the signature would cover the address alone
        signed = request.body.decode(errors="replace")
    elif request.method != "GET":
        signed = _Parameters(request.POST.lists())
    signature = request.headers.get("X-Twilio-Signature", "")
    tokens = [token for token in settings.TWILIO_AUTH_TOKENS if token]
    if not any(RequestValidator(token).validate(url, signed, signature) for token in tokens):
        return False
    if isinstance(signed, str):
        return True  # the account stands in the JSON, or nowhere; the token is ours alone
    account = parameters(request).get("AccountSid", "")
    return compare_digest(account.encode(), settings.TWILIO_ACCOUNT_SID.encode())


def from_twilio(view: View[Rest]) -> View[Rest]:
    """Admit only requests by Twilio, GET or POST: 403 without a valid signature."""

    @csrf_exempt
    @require_http_methods(["GET", "POST"])
    @wraps(view)
    def checked(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if not is_genuine(request):
            log.warning("refused a request to %s that Twilio has not signed", view.__name__)
            return HttpResponse("The signature is not Twilio's.", status=403, content_type="text/plain")
        return view(request, *args, **kwargs)

    signed_views.add(checked)
    return checked
