"""The first page, and the health checks."""

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import DisallowedHost
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_POST, require_safe

from pfs_notice import readiness
from pfs_notice.demo import ring_again
from registration.membership import member_in

_LONGEST_HOST: Final = 100
_METRICS: Final = "Programs of this machine may read them, and others that bear NOTICE_METRICS_TOKEN.\n"
_LOCAL: Final = {"localhost", "127.0.0.1", "::1", "[::1]"}


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
        found = [readiness.notices(), readiness.clocks()]
    except Error:
        found = [readiness.NO_DATABASE]
    is_well = all(part.is_ready for part in found)
    problems = [part.problem for part in found if part.problem]
    return _say("\n".join((["ok"] if is_well else []) + problems), is_well=is_well)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Say of each part "ok" or what is wrong and what to do; with 503 where people are not told in time.

    It names no machine and no member: anyone may ask.
    """
    del request
    parts = readiness.parts()
    is_ready = all(part.is_ready for part in parts)
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    said = {"is_ready": is_ready, "parts": {part.name: part.problem or "ok" for part in parts}}
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})


@require_safe
def web_health(request: HttpRequest) -> HttpResponse:
    """Say that the web server answers: for load balancers, which must not stop callbacks for want of a worker."""
    del request
    return _say("ok")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the numbers for Prometheus to programs of this machine, or to those that know NOTICE_METRICS_TOKEN."""
    if not _may_read_metrics(request):
        status = HTTPStatus.UNAUTHORIZED if settings.NOTICE_METRICS_TOKEN else HTTPStatus.FORBIDDEN
        headers = {"WWW-Authenticate": "Bearer"} if settings.NOTICE_METRICS_TOKEN else {}
        return HttpResponse(_METRICS, "text/plain", status=status, headers=headers)
    from pfs_notice.metrics import exposition  # noqa: PLC0415 - costs memory where no one asks

    try:
        return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
    except Error:
        return _say(readiness.NO_DATABASE.problem, is_well=False)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request makes no sense; where the server is addressed by another name, say which settings have it."""
    host = request.META.get("HTTP_HOST", "")[:_LONGEST_HOST] if isinstance(exception, DisallowedHost) else ""
    return HttpResponse(render_to_string("400.html", {"host": host}), status=HTTPStatus.BAD_REQUEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    """Say whether a request bears the token; without one set, whether it comes from this machine and by no proxy."""
    if token := settings.NOTICE_METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
    is_proxied = any(
        name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded")
    )
    host, _port = split_domain_port(request.get_host())
    return not is_proxied and host in _LOCAL and request.META["REMOTE_ADDR"] in _LOCAL


def _say(text: str, *, is_well: bool = True) -> HttpResponse:
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(f"{text}\n", content_type="text/plain", status=status, headers=headers)
