"""The member's own settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from registration.forms.profile import ProfileForm
from registration.membership import member_in
from registration.models import Registration


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile_edit(request: HttpRequest) -> HttpResponse:
    """Change name, zone, language, quiet hours and the daily limit."""
    form = ProfileForm(request.POST or None, instance=member_in(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            member = form.save()
            if "time_zone" in form.changed_data:
                # A day is told of at an hour of the member's own clocks.
                Registration.objects.filter(member=member).changed()
        messages.success(request, "Your profile is saved.")
        return redirect("registration:profile-edit")
    return render(request, "registration/profile.html", {"form": form})
