"""What every request begins with."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from eventinvoke.sending.heartbeats import keep_time

Respond = Callable[[HttpRequest], HttpResponse]


def timed(get_response: Respond) -> Respond:
    """Read the database's clock where that is due, so that pages and callbacks go by it."""

    def respond(request: HttpRequest) -> HttpResponse:
        keep_time()
        return get_response(request)

    return respond
