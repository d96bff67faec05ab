"""Browsers that want notices: how they subscribe, renew and end it, and the service worker that does so."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from common.channels import Address
from common.errors import InputError
from registration import browsers
from registration.membership import member_in
from registration.models import Target

_MAX_BODY: Final = 10_000
_View = Callable[[HttpRequest, dict[str, Any]], HttpResponse]


def problem(detail: str, field: str = "", status: int = 422) -> JsonResponse:
    """Return a problem document (RFC 9457) that names the field."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": "That can't be used",
        "status": status,
        "detail": detail,
    }
    if field:
        body["errors"] = [{"field": field, "message": detail}]
    return JsonResponse(body, status=status, content_type="application/problem+json")


def takes_json(view: _View) -> Callable[[HttpRequest], HttpResponse]:
    """Make a view that is POSTed a JSON object of at most ``_MAX_BODY`` bytes; ``InputError`` becomes a problem document.

    No CSRF token is needed: a page of another site can't send this content type without asking first (CORS).
    """

    @csrf_exempt
    @never_cache
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.content_type != "application/json":
            return problem("Send JSON.", status=415)
        if not browsers.has_channel():
            return problem("Browser notifications are not switched on here.", status=404)
        try:
            return view(request, _read(request.body))
        except RequestDataTooBig:
            return problem("The subscription is too large.", "endpoint", status=413)
        except InputError as error:
            return problem(error.message, "endpoint" if error.field == "address" else error.field)

    return checked


@takes_json
def push_subscribe(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """Store the subscription of the member's browser: what ``PushSubscription.toJSON()`` gives.

    ``label`` names the browser; ``replaces`` is the endpoint that it had before, whose steps the new
    one takes over. The browser that subscribes is the member's own, so that no code is needed.
    """
    if not request.user.is_authenticated:
        return problem("Sign in first.", status=401)
    checked = _subscription(data)
    replaces = _text(data, "replaces")
    if any("\ud800" <= c <= "\udfff" for c in replaces):  # half a character, which JSON may hold
        raise InputError("This is not a web address.", field="replaces")
    label = "".join(c for c in _text(data, "label") if c.isprintable())[:80]
    target, token = browsers.subscribe(member_in(request), checked, label, replaces)
    return _given(request, target, token, status=201)


@takes_json
def push_token(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """Give a browser without a token one for its ``endpoint``, if that is a target of the member who is signed in."""
    if not request.user.is_authenticated:
        return problem("Sign in first.", status=401)
    endpoint = _text(data, "endpoint").encode("utf-8", "replace").decode()
    found = browsers.token_for_known(member_in(request), endpoint)
    if found is None:
        return problem("This browser is none of your contact methods.", "endpoint", status=404)
    return _given(request, *found)


@takes_json
def push_renew(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """Take in the new subscription of the browser that holds ``token``, also when another member is signed in there."""
    del request
    token = browsers.renew(_text(data, "token"), _subscription(data))
    if token is None:
        return problem("The token is not valid.", "token", status=403)
    return JsonResponse({"token": token})


@takes_json
def push_end(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """End the subscription of the browser that holds ``token``: its member signs out there."""
    del request
    if not browsers.end(_text(data, "token")):
        return problem("The token is not valid.", "token", status=403)
    return HttpResponse(status=204)


def _given(request: HttpRequest, target: Target, token: str, status: int = 200) -> JsonResponse:
    owner = str(request.user.pk)
    return JsonResponse({"id": target.pk, "name": str(target), "token": token, "owner": owner}, status=status)


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > _MAX_BODY:
        raise InputError("The subscription is too large.", field="endpoint")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("That is not JSON.") from None
    if not isinstance(data, dict):
        raise InputError("A JSON object is needed.")
    return data


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise InputError("This has to be a text.", field=name)
    return value


def _subscription(data: dict[str, Any]) -> Address:
    endpoint, keys = data.get("endpoint"), data.get("keys")
    if not isinstance(endpoint, str) or not endpoint:
        raise InputError("The endpoint of the subscription is missing.", field="endpoint")
    if not isinstance(keys, dict):
        raise InputError("The keys of the subscription are missing.", field="keys")
    return browsers.channel_of_browsers().check_address(endpoint, {"keys": keys})


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the service worker from the place of the first page, so that it may look after all pages."""
    del request
    path = finders.find("service-worker.js")
    if path is None:
        raise Http404
    response = HttpResponse(Path(str(path)).read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response
