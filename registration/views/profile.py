"""The member's own settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from registration.forms.profile import ProfileForm
from registration.membership import member_in


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_edit(request: HttpRequest) -> HttpResponse:
    """Change name, zone, language, quiet hours and the daily limit."""
    form = ProfileForm(request.POST or None, instance=member_in(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("registration:profile-edit")
    return render(request, "panel/profile.html", {"form": form})
