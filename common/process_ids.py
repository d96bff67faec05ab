"""Process ids: the signed id of one attempt, in every link and callback that belongs to it.

An attempt's UUID (16 bytes) and the first 16 bytes of its HMAC-SHA256, as 43 base64url characters.
It can't be forged or guessed, and it reveals no row number. Each purpose has a key of its own, so that the id in
one link opens no page of another purpose.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from functools import cache
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from common.errors import ForgedError

_ID_BYTES = 16
_LENGTH = 43


class Purpose(StrEnum):
    """What a signed id may be used for; also the name of its key."""

    REPORT = "process_id"
    """Callbacks of providers, the content of calls, reports of service workers: the process id proper."""
    ANSWER = "answer"
    """The page on which a notice is answered, linked from mails and text messages."""
    UNSUBSCRIBE = "unsubscribe"
    """Ending the mails to one address."""


@cache
def _key(secret: str, purpose: Purpose) -> bytes:
    return salted_hmac(f"pfs_notice.{purpose}", "key", secret=secret, algorithm="sha256").digest()


def sign(attempt_id: UUID, purpose: Purpose = Purpose.REPORT) -> str:
    """Return the signed id of an attempt for one purpose."""
    return _sign(attempt_id.bytes, purpose)


def signed_for(purpose: Purpose, process_id: str) -> str:
    """Return the id for another purpose of the attempt that a process id of our own making names."""
    return _sign(urlsafe_b64decode(f"{process_id}=")[:_ID_BYTES], purpose)


def _sign(raw: bytes, purpose: Purpose) -> str:
    mac = hmac.digest(_key(settings.SECRET_KEY, purpose), raw, "sha256")[:_ID_BYTES]
    return urlsafe_b64encode(raw + mac)[:_LENGTH].decode()


def read(process_id: str, purpose: Purpose = Purpose.REPORT) -> UUID:
    """Return the attempt's UUID that an id signed for ``purpose`` names.

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
        good = hmac.digest(_key(secret, purpose), raw, "sha256")[:_ID_BYTES]
        if canonical and hmac.compare_digest(good, mac):
            return UUID(bytes=raw)
    msg = "that is not a process id of ours"
    raise ForgedError(msg)
