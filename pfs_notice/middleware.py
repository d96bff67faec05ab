"""What every request begins with."""

from collections.abc import Callable
from typing import Final

from django.db import Error
from django.http import HttpRequest, HttpResponse

from common import concerned
from eventinvoke.sending.heartbeats import keep_time

_SAY_SO: Final = {"/health", "/health/web", "/ready", "/metrics"}
"""These answer without a database, too."""

Respond = Callable[[HttpRequest], HttpResponse]


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
