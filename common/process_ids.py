"""Process ids: the signed id of one attempt, in every link and callback that belongs to it.

An attempt's UUID (16 bytes) and the first 16 bytes of its HMAC-SHA256, as 43 base64url characters.
It can't be forged or guessed, and it reveals no row number.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from common.errors import ForgedError

_ID_BYTES = 16
_LENGTH = 43


@cache
def _key(secret: str) -> bytes:
    return salted_hmac("pfs_notice.process_id", "key", secret=secret, algorithm="sha256").digest()


def sign(attempt_id: UUID) -> str:
    """Return the process id of an attempt."""
    raw = attempt_id.bytes
    mac = hmac.digest(_key(settings.SECRET_KEY), raw, "sha256")[:_ID_BYTES]
    return urlsafe_b64encode(raw + mac)[:_LENGTH].decode()


def read(process_id: str) -> UUID:
    """Return the attempt's UUID that a process id names.

    Ids signed with one of ``SECRET_KEY_FALLBACKS`` are valid too, so that a key can be rotated
    while calls are in progress. Raises ``ForgedError`` for an id without a valid signature.
    """
    try:
        signed = urlsafe_b64decode(process_id.encode("ascii") + b"=")
    except (ValueError, UnicodeEncodeError):
        signed = b""
    raw, mac = signed[:_ID_BYTES], signed[_ID_BYTES:]
    canonical = urlsafe_b64encode(signed)[:_LENGTH].decode() == process_id
    for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        good = hmac.digest(_key(secret), raw, "sha256")[:_ID_BYTES]
        if canonical and hmac.compare_digest(good, mac):
            return UUID(bytes=raw)
    msg = "that is not a process id of ours"
    raise ForgedError(msg)
