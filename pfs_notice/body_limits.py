"""How large the body of a request may be: one table, by the name of the route.

``pfs_notice.edge`` heeds it while it reads bodies, and the middleware below when another web server reads
them. Both refuse with 413 before any of a larger body is stored.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from common.requests import whole
from registration.sizes import MAX_FILE

DEFAULT: Final = 64 * 1024
"""Bytes. Forms of the panel, Twilio's callbacks and reports of browsers have a few KiB."""
_LONGEST_NUMBER: Final = 15
"""Digits of a Content-Length; Python takes more than linear time for thousands of them."""
_UNREADABLE: Final = 10**_LONGEST_NUMBER
_LIMITS: Final = {
    "registration:calendar-add": 2 * MAX_FILE,  # the form itself says how large a file may be
    "registration:calendar-edit": 2 * MAX_FILE,
    "eventupdate:account-choose": 1024 * 1024,  # 500 calendars, each with an id of up to 1000 characters
    "admin": 1024 * 1024,  # lists of chosen rows
}
"""Bytes, by the name of a route or of its namespace."""


def declared_length(given: str) -> int:
    """Return the number in a Content-Length header; one above every limit for anything but a number."""
    length = whole(given, _LONGEST_NUMBER)
    return _UNREADABLE if length is None else length


def limit_of(path: str) -> int:
    """Return how many bytes the body of a request for this path may have."""
    try:
        route = resolve(path)
    except (Resolver404, ValueError):
        return DEFAULT
    return _LIMITS.get(route.view_name) or _LIMITS.get(route.namespace) or DEFAULT


def refusal(status: HTTPStatus, content_type: str) -> tuple[str, str]:
    """Return the content type and the text that refuse a request of this content type.

    A program that sent JSON gets a problem document (RFC 9457), others plain text.
    """
    if content_type.partition(";")[0].strip().lower() == "application/json":
        return "application/problem+json", json.dumps({"title": status.phrase, "status": status})
    return "text/plain", f"{status.phrase}\n"


def bounded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a body whose declared length is above its route's limit: 413, before anything reads it.

    A body without a declared length (chunked) is empty in WSGI.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        length = declared_length(str(request.META.get("CONTENT_LENGTH") or "0"))
        if length > DEFAULT and length > limit_of(request.path_info):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            kind, text = refusal(status, request.META.get("CONTENT_TYPE", ""))
            return HttpResponse(text, status=status, content_type=kind)
        return get_response(request)

    return respond
