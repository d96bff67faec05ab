"""Sending to a target at once: the code that verifies it, and a test."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import InputError
from registration import jobs, verification
from registration.access import targets_for
from registration.direct import TEST
from registration.forms.targets import CodeForm
from registration.membership import member_in
from registration.models import Registration, Target, Verification
from registration.verification import CODE
from registration.views.jobs import wait_for


def send_code(request: HttpRequest, target: Target) -> HttpResponse:
    """Have a worker send a code to the target; then its page, to type it, says how that went."""
    verify = reverse("registration:target-verify", args=[target.pk])
    try:
        return wait_for(request, CODE, verify, target=target.pk)
    except InputError as error:
        messages.warning(request, error.message)
        return redirect(verify)


def _say(request: HttpRequest, result: jobs.Result) -> None:
    """Tell the person what became of a code or a test."""
    if "problem" not in result:
        messages.success(request, result["said"])
    elif result.get("is_serious"):
        messages.error(request, result["problem"])
    else:
        messages.warning(request, result["problem"])


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target_verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the code that was typed."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if target.verified_at is not None:
        return redirect("registration:target-list")
    if request.method == "GET" and (sent := jobs.result_for(request, member_in(request), CODE)) is not None:
        _say(request, sent)
        return redirect(request.path)
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
        "wait_seconds": -(-wait // timedelta(seconds=1)),
    }
    return render(request, "registration/target_verify.html", context)


@login_required
@require_POST
def code_send(request: HttpRequest, pk: int) -> HttpResponse:
    """Send another code."""
    target = get_object_or_404(targets_for(request.user).filter(verified_at__isnull=True), pk=pk)
    return send_code(request, target)


@login_required
@require_http_methods(["GET", "POST"])
def target_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a worker send a test to a target that is ready; then its row in the list says what the provider answered."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if request.method == "POST":
        if not target.is_usable or not target.contact.can_test:
            raise Http404
        try:
            return wait_for(request, TEST, request.path, target=target.pk)
        except InputError as error:
            messages.warning(request, error.message)
    result = jobs.result_for(request, member_in(request), TEST)
    if result is not None and target.member == member_in(request):
        query = urlencode({"tested": str(target.pk), "job": request.GET.get("job", "")})
        listed = f"{reverse('registration:target-list')}?{query}"
        return redirect(f"{listed}#target-{target.pk}")
    if result is not None:
        _say(request, result)
    return redirect("registration:target-list")
