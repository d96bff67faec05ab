"""A payload made unreadable to the push service: ``aes128gcm`` for Web Push (RFC 8188, RFC 8291).

``http_ece`` is what pywebpush itself encrypts with. It is called directly, because
``pywebpush.WebPusher`` copies and checks the subscription once more for every message (a tenth of
the time that a message takes); the bytes are the same in form.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import http_ece
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)

POINT_BYTES: Final = 65
"""Of an uncompressed point on P-256: 4, x and y."""
SECRET_BYTES: Final = 16
"""Of the authentication secret (RFC 8291, section 3.2)."""
OVERHEAD_BYTES: Final = 103
"""What encryption adds to a payload: header 21, key 65, padding delimiter 1, tag 16 (RFC 8188, RFC 8291)."""
_CURVE: Final = SECP256R1()


def decode(text: str) -> bytes:
    """Return the bytes of base64url, padded or not. Raises ``ValueError`` for anything else."""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "==="[: -len(text.rstrip("=")) % 4])
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def encode(raw: bytes) -> str:
    """Return bytes as base64url without padding, as browsers give them."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def check_point(raw: bytes) -> None:
    """Raise ``ValueError`` unless these bytes are an uncompressed point on the curve P-256."""
    if len(raw) != POINT_BYTES:
        msg = f"a key has {POINT_BYTES} bytes, not {len(raw)}"
        raise ValueError(msg)
    EllipticCurvePublicKey.from_encoded_point(_CURVE, raw)


def encrypt(payload: bytes, p256dh: str, auth: str) -> bytes:
    """Return the body of a push message that only that browser can read.

    Each message has a key pair and a salt of its own. Raises ``ValueError`` for keys that are none.
    """
    encrypted: bytes = http_ece.encrypt(
        payload,
        private_key=generate_private_key(_CURVE),
        dh=decode(p256dh),
        auth_secret=decode(auth),
        version="aes128gcm",
    )
    return encrypted
