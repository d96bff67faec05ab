"""What every request needs of its member: the time zone, and a password of the member's own."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from registration.membership import member_in

Respond = Callable[[HttpRequest], HttpResponse]

_ALLOWED: Final = frozenset({"password_change", "session", "logout", "health", "web-health"})


def password_change_required(get_response: Respond) -> Respond:
    """Lead those whose password was made by another person to change it; nothing else is open to them."""

    def respond(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated or not request.user.must_change_password:
            return get_response(request)
        if request.path in {reverse(name) for name in _ALLOWED}:
            return get_response(request)
        page = reverse("password_change")
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": page})
        return redirect(page)

    return respond


def member_time_zone(get_response: Respond) -> Respond:
    """Show every time in the zone of the member who asks; the administration is in UTC, as the logs are."""

    def respond(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated or request.path.startswith(reverse("admin:index")):
            return get_response(request)
        with timezone.override(member_in(request).zone):
            return get_response(request)

    return respond
