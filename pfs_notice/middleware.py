"""What every request begins with."""

from collections.abc import Callable
from typing import Final

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from eventinvoke.sending.heartbeats import keep_time
from notification.signatures import signed_views
from pfs_notice.body_limits import bounded

Respond = Callable[[HttpRequest], HttpResponse]

_PREFIX: Final = "/n/"


def callbacks(get_response: Respond) -> Respond:
    """Answer programs without what is for browsers: sessions, messages, CSRF tokens, policies.

    Their views look at a signature instead, and their first statement is tried again where the
    database's connection was lost: so the connection is not tried beforehand either.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        keep_time()
        connection.health_check_done = True
        match = request.resolver_match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    within_limits = bounded(answer)

    def respond(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_PREFIX):
            try:
                match = resolve(request.path_info)
            except Resolver404:
                return get_response(request)
            if match.func in signed_views:
                request.resolver_match = match
                return within_limits(request)
        return get_response(request)

    return respond


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
    """Read the database's clock where that is due, so that pages and callbacks go by it."""

    def respond(request: HttpRequest) -> HttpResponse:
        keep_time()
        return get_response(request)

    return respond
