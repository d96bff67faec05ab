"""Making reports: what makes a repeat recognisable, and what is kept of what came."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.http import QueryDict

_SECRET: Final = frozenset({"CallToken"})
"""May be used to make further calls: https://www.twilio.com/docs/voice/api/call-resource."""
_MAX_ENTRIES: Final = 60
_MAX_VALUE: Final = 500


def fingerprint(attempt_id: UUID, *parts: str) -> str:
    """Return what is the same for a repeat of the same report, and for nothing else.

    Made of what the signature covers. Twilio's header I-Twilio-Idempotency-Token, which is also the
    same for a repeat, is not signed: an attacker who has caught one callback could repeat it under new tokens.
    """
    return sha256("\n".join([str(attempt_id), *parts]).encode("utf-8", "replace")).hexdigest()


def payload(told: QueryDict) -> Mapping[str, Any]:
    """Return what came as JSON, without secrets and of bounded size."""
    entries = [(name[:100], str(value)[:_MAX_VALUE]) for name, value in told.items() if name not in _SECRET]
    return {_clean(name): _clean(value) for name, value in entries[:_MAX_ENTRIES]}


def _clean(text: str) -> str:
    # PostgreSQL's JSON can hold no null character, and no half of a surrogate pair.
    return text.replace("\0", "").encode("utf-8", "replace").decode()
