"""Sending to a target at once: the code that verifies it, and a test."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import InputError, ProviderError
from registration import jobs, verification
from registration.access import targets_for
from registration.direct import TEST
from registration.forms.targets import CodeForm
from registration.membership import member_in
from registration.models import Registration, Target, Verification
from registration.views.jobs import wait_for


def send_code(request: HttpRequest, target: Target) -> None:
    """Send a code, and tell the person how it went."""
    try:
        verification.start(target)
    except InputError as error:
        messages.warning(request, error.message)
    except ProviderError as error:
        messages.error(request, str(error))
    else:
        messages.info(request, f"A code is on its way to {target.shown}.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target_verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the code that was typed."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if target.verified_at is not None:
        return redirect("registration:target-list")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            verification.confirm(target, form.cleaned_data["code"])
        except InputError as error:
            form.add_input_error(error)
        else:
            Registration.objects.filter(steps__target=target).changed()
            messages.success(request, f"{target} is verified and may be used now.")
            return redirect("registration:target-list")
    wait = verification.wait_before_next(target)
    context = {
        "form": form,
        "target": target,
        "open": Verification.objects.open().filter(target=target).first(),
        "note": target.contact.note() if target.contact.note is not None else None,
        "wait": verification.say_wait(wait) if wait > timedelta(0) else "",
    }
    return render(request, "registration/target_verify.html", context)


@login_required
@require_POST
def code_send(request: HttpRequest, pk: int) -> HttpResponse:
    """Send another code."""
    target = get_object_or_404(targets_for(request.user).filter(verified_at__isnull=True), pk=pk)
    send_code(request, target)
    return redirect("registration:target-verify", target.pk)


@login_required
@require_http_methods(["GET", "POST"])
def target_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a worker send a test to a target that is ready; then say what the provider answered."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if request.method == "POST":
        if not target.is_usable or not target.contact.can_test:
            raise Http404
        try:
            return wait_for(request, TEST, request.path, target=target.pk)
        except InputError as error:
            messages.warning(request, error.message)
    result = jobs.result_for(request, member_in(request), TEST) or {}
    if "problem" in result:
        say = messages.error if result.get("is_serious") else messages.warning
        say(request, result["problem"])
    elif result:
        messages.success(request, result["said"])
    return redirect("registration:target-list")
