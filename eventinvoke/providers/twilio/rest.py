"""Requests to Twilio: the account, the credentials, forms."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from common.http import Reply, Request

TIMEOUT: Final = 10.0
"""Seconds for one request. Twilio answers within one; the rest is for a slow connection."""
_VERSION: Final = "2010-04-01"
_FORM: Final = "Content-Type: application/x-www-form-urlencoded"

Fields = Sequence[tuple[str, str]]


def account_path() -> str:
    """Return the path that all resources of our account begin with."""
    return f"/{_VERSION}/Accounts/{settings.TWILIO_ACCOUNT_SID}/"


def _headers(*more: str) -> tuple[str, ...]:
    tokens = settings.TWILIO_AUTH_TOKENS or [""]
    return _headers_for(f"{settings.TWILIO_ACCOUNT_SID}:{tokens[0]}", more)


@lru_cache(maxsize=16)
def _headers_for(credentials: str, more: tuple[str, ...]) -> tuple[str, ...]:
    encoded = b64encode(credentials.encode()).decode()
    return (f"Authorization: Basic {encoded}", "Accept: application/json", *more)


def form(fields: Fields) -> str:
    """Return fields as a form's body. Half a surrogate pair, which UTF-8 lacks, becomes "?"."""
    return urlencode(fields, errors="replace")


def post(resource: str, fields: Fields, tag: Any) -> Request:
    """Return a request that creates or changes a resource ("Calls.json"). It is never repeated."""
    return post_form(resource, form(fields), tag)


def post_form(resource: str, body: str, tag: Any) -> Request:
    """Do the same with a body that ``form`` made."""
    return Request(
        f"{settings.TWILIO_API_URL}{account_path()}{resource}",
        body.encode(),
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
        wanted_headers=frozenset({b"date"}),
    )


def content(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object of a reply, or an empty one if it has none."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
