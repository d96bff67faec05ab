"""Who we are, said to a push service: VAPID (RFC 8292). Signed once for each origin, not each message."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from py_vapid import Vapid02

from common import clock
from eventinvoke.channels.webpush.encryption import encode

_LIFETIME: Final = 12 * 3600
"""In seconds; RFC 8292 section 2 allows 24 hours, and clocks differ."""
_RESERVE: Final = 3600
"""A header is signed again so many seconds before it expires."""
_MAX_ORIGINS: Final = 1024
"""More origins than there are push services; a member could make up endless ones."""

_headers: dict[tuple[str, str, str], tuple[str, float]] = {}


@lru_cache(maxsize=4)
def _signer(key: str) -> Vapid02:
    pem = key if "-----BEGIN" in key else Path(key).read_text(encoding="ascii")
    return Vapid02.from_pem(pem.strip().encode("ascii"))


def public_key() -> str:
    """Return our public key in base64url, as ``PushManager.subscribe`` takes it.

    A browser binds its subscription to it: with another key all browsers have to subscribe again.
    """
    point = _signer(settings.VAPID_PRIVATE_KEY).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return encode(point)


def authorization(origin: str) -> str:
    """Return the header line ``Authorization: vapid ...`` for an origin ("https://host:port").

    Raises ``py_vapid.VapidException``, ``ValueError`` or ``OSError`` when our key or subject is
    unusable: nothing can be sent then.
    """
    name = (origin, settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)
    found = _headers.get(name)
    now = clock.now().timestamp()
    if found is not None and now < found[1]:
        return found[0]
    if len(_headers) >= _MAX_ORIGINS:
        _headers.clear()
    # A dict of its own for each call: py-vapid and pywebpush are known to write into it.
    claims = {"aud": origin, "exp": int(now) + _LIFETIME, "sub": settings.VAPID_SUBJECT}
    line = f"Authorization: {_signer(settings.VAPID_PRIVATE_KEY).sign(claims)['Authorization']}"
    _headers[name] = (line, now + _LIFETIME - _RESERVE)
    return line
