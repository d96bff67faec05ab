"""What every request begins with."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve

from common import concerned
from common.db.retry_transaction import trust_connection
from eventinvoke.sending.heartbeats import keep_time
from notification.signatures import signed_views
from pfs_notice.body_limits import bounded

_SAY_SO: Final = {f"{settings.NOTICE_PATH}/{name}" for name in ("health", "health/web", "ready", "metrics")}
"""These answer without a database, too."""

Respond = Callable[[HttpRequest], HttpResponse]

_PREFIX: Final = f"{settings.NOTICE_PATH}/n/"
"""Of all views that check a signature; other addresses are not looked up twice."""


def callbacks(get_response: Respond) -> Respond:
    """Answer what Twilio asks for without what is for browsers: sessions, messages, CSRF tokens, policies."""

    def respond(request: HttpRequest) -> HttpResponse:
        match = _callback(request.path_info)
        if match is None:
            return get_response(request)
        request.resolver_match = match
        return bounded(partial(_answer, match))(request)

    return respond


def _callback(path: str) -> ResolverMatch | None:
    if not path.startswith(_PREFIX):
        return None
    with suppress(Resolver404):
        match = resolve(path)
        return match if match.func in signed_views else None
    return None


def _answer(match: ResolverMatch, request: HttpRequest) -> HttpResponse:
    concerned.forget()
    keep_time()
    trust_connection()
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    response.headers.setdefault("Cache-Control", "no-store, private")
    return response


def not_stored(get_response: Respond) -> Respond:
    """Keep every answer out of caches (RFC 9111 section 5.2.2.5), unless its view sets a Cache-Control of its own.

    Static files are answered before this. After signing out, the browser's button Back shows no page again.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    return respond


def timed(get_response: Respond) -> Respond:
    """Read the database's clock where that is due, so that pages and callbacks go by it; begin a log of their own."""

    def respond(request: HttpRequest) -> HttpResponse:
        concerned.forget()
        try:
            keep_time()
        except Error:
            if request.path_info not in _SAY_SO:
                raise
        return get_response(request)

    return respond
