"""Asking the simulated provider about a phone, from the web server's side.

The browser never speaks to the provider: it has no token, and may be on another machine.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings

from common.errors import ProviderError

ACTIONS: Final = frozenset({"answer", "decline", "voicemail", "hangup", "keys"})
"""What a person can do with a phone."""
_SECONDS: Final = 3.0
_LONGEST_ANSWER: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answered."""

    status: int
    data: dict[str, Any]


def show_phone(number: str) -> Answer:
    """Return the state of a phone.

    Raises ``ProviderError`` when the provider does not answer.
    """
    return _ask("GET", f"phones/{number}")


def act(number: str, action: str, *, sid: str = "", digits: str = "") -> Answer:
    """Do one of ``ACTIONS`` with the phone's call; status 409 when the call is not in the state for it.

    Raises ``ProviderError`` when the provider does not answer, ``ValueError`` for an unknown action.
    """
    if action not in ACTIONS:
        raise ValueError(f"a phone can't do {action!r}")
    query = f"?sid={sid}" if sid.isalnum() else ""
    return _ask("POST", f"phones/{number}/{action}{query}", {"digits": digits} if digits else {})


def write(number: str, to: str, body: str, webhook: str) -> Answer:
    """Write a text from a phone to one of our senders; the provider brings it to ``webhook``, later.

    Raises ``ProviderError`` when the provider does not answer.
    """
    return _ask("POST", f"phones/{number}/texts", {"to": to, "body": body, "sms_url": webhook})


def _ask(method: str, path: str, data: Mapping[str, str] | None = None) -> Answer:
    request = urllib.request.Request(  # noqa: S310 - the address is ours, from the settings
        f"{settings.SIMULATOR_URL}/simulator/{path}",
        data=None if data is None else json.dumps(data).encode(),
        headers={
            "Authorization": f"Bearer {settings.TWILIO_AUTH_TOKENS[0]}",
            "Content-Type": "application/json",
        },
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            return _read(response.status, response.read(_LONGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.read(_LONGEST_ANSWER))
    except (OSError, ValueError) as error:
        raise ProviderError("The simulated telephone company does not answer.") from error


def _read(status: int, body: bytes) -> Answer:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.INTERNAL_SERVER_ERROR}:
        raise ProviderError("The simulated telephone company does not know us, or is in trouble.")
    return Answer(status, json.loads(body) if body else {})
