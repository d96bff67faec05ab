"""How Google says no."""

from typing import Any

Json = dict[str, Any]

_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is no success."""

    def __init__(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def api_refusal(
    status: int, reason: str, message: str, *, location: str = "", domain: str = "global"
) -> Refusal:
    """Return an error as the Calendar API writes it."""
    detail: Json = {"domain": domain, "reason": reason, "message": message}
    if location:
        detail |= {"locationType": "parameter", "location": location}
    error: Json = {"errors": [detail], "code": status, "message": message}
    if status in _STATUS_WORDS:
        error["status"] = _STATUS_WORDS[status]
    return Refusal(status, {"error": error})


def invalid(parameter: str, message: str) -> Refusal:
    """Return what is said of a parameter that can't be taken."""
    return api_refusal(400, "invalidParameter", message, location=parameter)


def insufficient_scopes() -> Refusal:
    """Return what is said to a token that was not given the permission."""
    refusal = api_refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    refusal.body["error"]["details"] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
        }
    ]
    refusal.headers["WWW-Authenticate"] = (
        'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'
    )
    return refusal


def unauthorised() -> Refusal:
    """Return what is said to a token that is not good, or not good any more."""
    message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    refusal = api_refusal(401, "authError", message, location="Authorization")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return refusal


def oauth_refusal(status: int, error: str, description: str = "") -> Refusal:
    """Return an error of the token server (RFC 6749 section 5.2)."""
    return Refusal(status, {"error": error} | ({"error_description": description} if description else {}))
