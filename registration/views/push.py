"""Browsers that want notices: they subscribe themselves, and the service worker that gets them."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.contrib.staticfiles import finders
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from common.channels import Adding, Address, Channel, added_by
from common.clock import now
from common.errors import InputError
from registration.forms.targets import store_target
from registration.membership import member_in
from registration.models import Member, Registration, Target
from registration.models.targets import fingerprint

_MAX_BODY: Final = 10_000


class _Given(NamedTuple):
    endpoint: str
    config: dict[str, Any]
    label: str
    replaces: str


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


@csrf_exempt  # JSON can't be posted from another site without being asked first; the type is insisted on
@require_POST
def push_subscribe(request: HttpRequest) -> HttpResponse:
    """Store the subscription of the member's browser: what ``PushSubscription.toJSON()`` gives.

    ``label`` names the browser; ``replaces`` is the endpoint that it had before, whose steps the new
    one takes over. The browser that subscribes is the member's own, so that no code is needed.
    """
    if not request.user.is_authenticated:
        return problem("Sign in first.", status=401)
    if request.content_type != "application/json":
        return problem("Send JSON.", status=415)
    channel = next(iter(added_by(Adding.BROWSER)), None)
    if channel is None:
        return problem("Browser notifications are not switched on here.", status=404)
    try:
        given = _read(request.body)
        checked = channel.check_address(given.endpoint, given.config)
    except RequestDataTooBig:
        return problem("The subscription is too large.", "endpoint", status=413)
    except InputError as error:
        return problem(error.message, "endpoint" if error.field == "address" else error.field)
    target = _store(member_in(request), channel, checked, given)
    return JsonResponse({"id": target.pk, "name": str(target)}, status=201)


def _store(member: Member, channel: Channel, checked: Address, given: _Given) -> Target:
    own = Target.objects.filter(member=member, kind=channel.kind)
    new = {
        "address": checked.address,
        "fingerprint": fingerprint(checked.address),
        "shown": checked.shown[:200],
        "config": dict(checked.config),
    }
    # A browser that subscribes again has new keys, and is there again.
    there = {"verified_at": now(), "disabled_at": None, "disabled_reason": ""}
    with transaction.atomic():
        if not own.filter(fingerprint=new["fingerprint"]).exists() and given.replaces:
            own.filter(fingerprint=fingerprint(given.replaces)).update(**new, **there)
        store_target(member, channel, checked, given.label)
        same = own.filter(fingerprint=new["fingerprint"])
        same.update(config=new["config"], **there)
        target = same.get()
        Registration.objects.filter(steps__target=target).changed()
    return target


def _read(body: bytes) -> _Given:
    if len(body) > _MAX_BODY:
        raise InputError("The subscription is too large.", field="endpoint")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("That is not JSON.") from None
    if not isinstance(data, dict):
        raise InputError("A JSON object is needed.")
    endpoint, keys = data.get("endpoint"), data.get("keys")
    if not isinstance(endpoint, str) or not endpoint:
        raise InputError("The endpoint of the subscription is missing.", field="endpoint")
    if not isinstance(keys, dict):
        raise InputError("The keys of the subscription are missing.", field="keys")
    for name in ("label", "replaces"):
        if not isinstance(data.get(name, ""), str):
            raise InputError("This has to be a text.", field=name)
    replaces = data.get("replaces", "")
    if any("\ud800" <= c <= "\udfff" for c in replaces):  # half a character, which JSON may hold
        raise InputError("This is not a web address.", field="replaces")
    label = "".join(c for c in data.get("label", "") if c.isprintable())[:80]
    return _Given(endpoint, {"keys": keys}, label, replaces)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the service worker from the root, so that it may look after all pages."""
    del request
    path = finders.find("service-worker.js")
    if path is None:
        raise Http404
    response = HttpResponse(Path(str(path)).read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    response["Cache-Control"] = "no-cache"
    return response
