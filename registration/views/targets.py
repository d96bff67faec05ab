"""The ways to reach a member: list, add, name, switch off and on, delete."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.channels import Channel, registry
from registration.access import targets_for
from registration.forms.targets import TargetForm, TargetNameForm, typed_channels
from registration.membership import INBOX, member_in
from registration.models import Registration, Target
from registration.views.codes import send_code

PUSH = "webpush"


@login_required
@require_safe
def target_list(request: HttpRequest) -> HttpResponse:
    """Show the member's targets, and what may be added."""
    targets = Target.objects.filter(member=member_in(request)).order_by("kind", "pk")
    context = {
        "targets": targets,
        "channels": typed_channels(),
        "has_push": PUSH in registry(),
        "inbox": INBOX,
    }
    return render(request, "registration/target_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target_add(request: HttpRequest, kind: str) -> HttpResponse:
    """Add a target whose address is typed; a code is sent to it at once."""
    channel = _typed_channel(kind)
    form = TargetForm(request.POST or None, channel=channel, member=member_in(request))
    if request.method == "POST" and form.is_valid():
        target = form.save()
        if target is not None:
            send_code(request, target)
            return redirect("registration:target-verify", target.pk)
        form.add_error("address", "You have added this already.")
    return render(request, "registration/target_form.html", {"form": form, "channel": channel})


def _typed_channel(kind: str) -> Channel:
    for channel in typed_channels():
        if channel.kind == kind:
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
    if Target.objects.filter(pk=target.pk).disable("Switched off in the panel."):
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
    """Delete a target with its steps and what was sent to it. The inbox stays."""
    target = get_object_or_404(targets_for(request.user).exclude(kind=INBOX), pk=pk)
    concerned = list(Registration.objects.filter(steps__target=target).values_list("pk", flat=True))
    target.delete()
    Registration.objects.filter(pk__in=concerned).changed()
    messages.success(request, f"{target} is deleted.")
    return redirect("registration:target-list")


def _replan(target: Target) -> None:
    Registration.objects.filter(steps__target=target).changed()
