"""The phone in the panel: its page, its state as the browser asks for it, and what a person does with it."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.errors import ProviderError
from common.requests import row_key
from eventinvoke.links import public_url
from eventinvoke.providers.twilio import senders
from simulator import provider_client
from simulator.phones import is_verified, phone_for, phones_for
from simulator.provider.messages import POOL_NUMBER
from simulator.visible import call_to_act_on, visible_state

Parameters = ParamSpec("Parameters")
View = Callable[Concatenate[HttpRequest, Parameters], HttpResponse]


def _only_simulated(view: View[Parameters]) -> View[Parameters]:
    """Let the view be found only where calls and messages are simulated."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponse:
        if not settings.IS_SIMULATED:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def _only_signed_in(view: View[Parameters]) -> View[Parameters]:
    """Answer scripts whose person has signed out with 403 instead of the page for signing in."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"message": "Sign in again."}, status=HTTPStatus.FORBIDDEN)
        return view(request, *args, **kwargs)

    return guarded


@_only_simulated
@login_required
@require_safe
def phone(request: HttpRequest, target_id: int | None = None) -> HttpResponse:
    """Show a phone; without a target the first of one's own. ``?target=`` leads to the chosen one."""
    asked = request.GET.get("target", "")
    if row_key(asked) and target_id is None:
        return redirect("simulator:phone", target_id=row_key(asked))
    phones = phones_for(request.user)
    chosen = phone_for(request.user, target_id) if target_id is not None else next(iter(phones), None)
    context = {"phones": phones, "phone": chosen, "can_write": chosen is not None and is_verified(chosen)}
    return render(request, "simulator/phone.html", context)


@_only_simulated
@_only_signed_in
@never_cache
@require_safe
def phone_state(request: HttpRequest, target_id: int) -> HttpResponse:
    """Return what the phone shows, as JSON; 304 when nothing changed since ``If-None-Match``."""
    chosen = phone_for(request.user, target_id)
    try:
        state = visible_state(request.user, chosen)
    except ProviderError as error:
        return JsonResponse({"message": str(error)}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    etag = f'"{sha256(repr(state).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match", "") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    return JsonResponse(state, headers={"ETag": etag})


@_only_simulated
@_only_signed_in
@require_POST
def phone_write(request: HttpRequest, target_id: int) -> HttpResponse:
    """Write a text (``body``) from the phone, which answers the last notice; of a verified number only."""
    chosen = phone_for(request.user, target_id)
    if not is_verified(chosen):
        return JsonResponse({"message": "This number is not verified."}, status=HTTPStatus.FORBIDDEN)
    sender = senders.for_text(chosen.number)
    if sender is None or not sender.can_get_texts:
        message = "Texts that come from a name can't be answered."
        return JsonResponse({"message": message}, status=HTTPStatus.CONFLICT)
    to = POOL_NUMBER if sender.kind is senders.Kind.SERVICE else sender.text
    webhook = public_url(reverse("notification:text-answer"))
    try:
        answer = provider_client.write(chosen.number, to, request.POST.get("body", ""), webhook)
    except ProviderError as error:
        return JsonResponse({"message": str(error)}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse(answer.data, status=answer.status)


@_only_simulated
@_only_signed_in
@require_POST
def phone_act(request: HttpRequest, target_id: int, action: str) -> HttpResponse:
    """Do something with the phone: answer, decline, voicemail, hangup, or keys with ``digits``."""
    chosen = phone_for(request.user, target_id)
    if action not in provider_client.ACTIONS:
        raise Http404
    sid, digits = request.POST.get("sid", ""), request.POST.get("digits", "")
    try:
        call = call_to_act_on(visible_state(request.user, chosen), action, sid)
        answer = provider_client.act(chosen.number, action, sid=call, digits=digits)
    except ProviderError as error:
        return JsonResponse({"message": str(error)}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse(answer.data, status=answer.status)
