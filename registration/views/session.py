"""The session: signing in, also in place on a page whose session has ended, and forms from before a sign-in."""

import zoneinfo
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, views
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views import csrf
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from registration.forms.accounts import SignInForm
from registration.membership import member_of
from registration.models import Registration, User

UTC = "UTC"


class SignInView(views.LoginView):
    """Signing in. The first time, the member gets the time zone of the browser."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in."""
        user: User = form.get_user()
        if user.last_login is None and (zone := adopt_zone(user, form.cleaned_data["time_zone"])):
            shown = zone.replace("_", " ")
            messages.info(
                self.request, f"Your time zone is {shown}, as in this browser. Your profile changes it."
            )
        return super().form_valid(form)


def adopt_zone(user: User, zone: str) -> str:
    """Give a member that has none yet the zone of the browser, and return it; "" where it has one, or it is none."""
    member = member_of(user)
    if member.time_zone != UTC or zone == UTC or zone not in zoneinfo.available_timezones():
        return ""
    member.time_zone = zone
    member.save(update_fields=["time_zone"])
    Registration.objects.filter(member=member).changed()
    return zone


@never_cache
@ensure_csrf_cookie
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """Say in JSON which account is signed in here: its key, or null. A POST signs in, or answers 400 with the problem."""
    if request.method == "POST":
        form = SignInForm(request, data=request.POST)
        if not form.is_valid():
            problem = " ".join(str(text) for texts in form.errors.values() for text in texts)
            return JsonResponse({"problem": problem}, status=HTTPStatus.BAD_REQUEST)
        login(request, form.get_user())
    return JsonResponse({"account": request.user.pk})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form without a valid token; a sign-in page from before a sign-in in another tab leads on instead."""
    page = reverse("login")
    if request.path == page:
        return redirect(f"{page}?{urlencode({'next': request.POST.get('next', '')})}")
    return csrf.csrf_failure(request, reason)
