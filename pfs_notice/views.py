"""The first page, and the health checks."""

import http
from typing import Final

from django.core.exceptions import DisallowedHost
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from eventinvoke.sending.heartbeats import is_stuck, large_skews

_LONGEST_HOST: Final = 100
_STUCK: Final = "Notices are more than a minute late and none are being sent. Check the workers and the beat."
_NO_DATABASE: Final = "The database does not answer."
_SKEW: Final = "The clock of a machine differs from the database's by {} s. `manage.py check --database default` names it."


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead on to what is coming."""
    del request
    return redirect("eventinvoke:upcoming-list")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers to the icon that ask at the old place: the administration's pages name none."""
    del request
    return redirect(static("favicon.svg"))


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Say "ok", and that a machine's clock is far off; with 503, that nothing is sent that is due.

    Two queries by an index. It names no machine and no member: anyone may ask.
    """
    del request
    try:
        if is_stuck():
            return _say(_STUCK, http.HTTPStatus.SERVICE_UNAVAILABLE)
        worst = max((abs(skew) for _host, skew in large_skews()), default=0)
    except Error:
        return _say(_NO_DATABASE, http.HTTPStatus.SERVICE_UNAVAILABLE)
    return _say(f"ok\n{_SKEW.format(round(worst))}" if worst else "ok")


@require_safe
def web_health(request: HttpRequest) -> HttpResponse:
    """Say that the web server answers: for load balancers, which must not stop callbacks for want of a worker."""
    del request
    return _say("ok")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request makes no sense; where the server is addressed by another name, say which settings have it."""
    host = request.META.get("HTTP_HOST", "")[:_LONGEST_HOST] if isinstance(exception, DisallowedHost) else ""
    return HttpResponse(render_to_string("400.html", {"host": host}), status=http.HTTPStatus.BAD_REQUEST)


def _say(text: str, status: int = http.HTTPStatus.OK) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(f"{text}\n", content_type="text/plain", status=status, headers=headers)
