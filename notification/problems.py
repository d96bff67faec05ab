"""Problem documents (RFC 9457): what was wrong with a request, for a program."""

from http import HTTPStatus

from django.http import JsonResponse


def problem(status: HTTPStatus, detail: str, *, field: str = "") -> JsonResponse:
    """Return a problem document; ``field`` names the key of the JSON that it is about."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if field:
        body["field"] = field
    return JsonResponse(body, status=status.value, content_type="application/problem+json")
