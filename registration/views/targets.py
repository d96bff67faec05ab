"""Contact methods, called targets in the code: list, add, name, switch off and on, delete."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.channels import Adding, Channel, Verification
from common.requests import row_key
from registration import jobs
from registration.access import targets_for
from registration.direct import TEST
from registration.forms.targets import TargetForm, TargetNameForm, offered_channels
from registration.membership import member_in
from registration.models import Member, Registration, Target
from registration.models.targets import SWITCHED_OFF
from registration.views.codes import send_code


@login_required
@require_safe
def target_list(request: HttpRequest) -> HttpResponse:
    """Show the member's targets, what became of a test just now, and what may be added."""
    member = member_in(request)
    targets = Target.objects.filter(member=member).order_by("kind", "pk")
    tested = row_key(request.GET.get("tested", ""))
    context = {
        "targets": targets,
        "channels": offered_channels(member),
        "tested": tested,
        "outcome": jobs.result_for(request, member, TEST) if tested else None,
    }
    return render(request, "registration/target_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target_add(request: HttpRequest, kind: str) -> HttpResponse:
    """Add a target whose address is typed; where the channel says so, a code is sent to it at once."""
    member = member_in(request)
    channel = _typed_channel(kind, member)
    has_code = channel.capabilities.verification is Verification.CODE
    form = TargetForm(request.POST or None, channel=channel, member=member)
    if request.method == "POST" and form.is_valid():
        target = form.save()
        if target is None:
            form.add_error("address", "You have added this already.")
        elif has_code:
            return send_code(request, target)
        else:
            messages.success(request, f"{target} is added.")
            return redirect("registration:target-list")
    context = {"form": form, "channel": channel, "has_code": has_code}
    return render(request, "registration/target_form.html", context)


def _typed_channel(kind: str, member: Member) -> Channel:
    for channel in offered_channels(member):
        if channel.kind == kind and channel.capabilities.contact.adding is Adding.FORM:
            return channel
    raise Http404


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a target another name."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    form = TargetNameForm(request.POST or None, instance=target)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("registration:target-list")
    return render(request, "registration/target_edit.html", {"form": form, "target": target})


@login_required
@require_POST
def target_disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a target off: its steps are left out until it is switched on."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if Target.objects.filter(pk=target.pk).disable(SWITCHED_OFF):
        _replan(target)
    return redirect("registration:target-list")


@login_required
@require_POST
def target_enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a target on again."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    off = Target.objects.filter(pk=target.pk, disabled_at__isnull=False)
    if off.update(disabled_at=None, disabled_reason=""):
        _replan(target)
    return redirect("registration:target-list")


@login_required
@require_POST
def target_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a target with its steps; a built-in one stays."""
    target = get_object_or_404(targets_for(request.user), pk=pk)
    if target.is_built_in:
        raise Http404
    concerned = list(Registration.objects.filter(steps__target=target).values_list("pk", flat=True))
    target.delete()
    Registration.objects.filter(pk__in=concerned).changed()
    messages.success(request, f"{target} is deleted.")
    return redirect("registration:target-list")


def _replan(target: Target) -> None:
    Registration.objects.filter(steps__target=target).changed()
