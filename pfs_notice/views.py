"""The first page, and the health checks."""

import http
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_POST, require_safe

from eventinvoke.sending.heartbeats import is_stuck, large_skews
from pfs_notice.demo import ring_again
from registration.membership import member_in

_STUCK: Final = "Notices are more than a minute late and none are being sent. Check the workers and the beat."
_NO_DATABASE: Final = "The database does not answer."
_SKEW: Final = "The clock of a machine differs from the database's by {} s. `manage.py check --database default` names it."


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead on to what is coming."""
    del request
    return redirect("eventinvoke:upcoming-list")


@login_required
@require_POST
def demo_ring(request: HttpRequest) -> HttpResponse:
    """Have the demo's phone ring again, and lead to it; it is there for the demo's member alone."""
    if not ring_again(member_in(request)):
        raise Http404
    messages.success(request, "The phone rings in a few seconds.")
    return redirect("simulator:phone" if settings.IS_SIMULATED else "home")


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


def _say(text: str, status: int = http.HTTPStatus.OK) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(f"{text}\n", content_type="text/plain", status=status, headers=headers)
