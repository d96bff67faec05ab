"""Requests to Twilio: the account, the credentials, forms."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from common.http import Reply, Request

TIMEOUT: Final = 10.0
"""Seconds for one request. Twilio answers within one; the rest is for a bad line."""
_VERSION: Final = "2010-04-01"
_FORM: Final = "Content-Type: application/x-www-form-urlencoded"

Fields = Sequence[tuple[str, str]]


def account_path() -> str:
    """Return the path that all resources of our account begin with."""
    return f"/{_VERSION}/Accounts/{settings.TWILIO_ACCOUNT_SID}/"


def _headers(*more: str) -> tuple[str, ...]:
    tokens = settings.TWILIO_AUTH_TOKENS or [""]
    pair = f"{settings.TWILIO_ACCOUNT_SID}:{tokens[0]}".encode()
    return (f"Authorization: Basic {b64encode(pair).decode()}", "Accept: application/json", *more)


def post(resource: str, fields: Fields, tag: Any) -> Request:
    """Return a request that creates or changes a resource ("Calls.json"). It is never repeated."""
    return Request(
        f"{settings.TWILIO_API_URL}{account_path()}{resource}",
        # Half a surrogate pair can't be written as UTF-8; a question mark stands for it.
        urlencode(fields, errors="replace").encode(),
        _headers(_FORM),
        tag,
        timeout=TIMEOUT,
        is_guarded=False,
    )


def get(path: str, tag: Any) -> Request:
    """Return a request that reads ``path`` (with ``account_path``); the answer's date comes with it."""
    return Request(
        f"{settings.TWILIO_API_URL}{path}",
        b"",
        _headers(),
        tag,
        method="GET",
        timeout=TIMEOUT,
        is_guarded=False,
        is_repeatable=True,
        wanted_header="date",
    )


def content(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object that came, or an empty one for whatever else came."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
