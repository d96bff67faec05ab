"""A payload made unreadable to the push service: ``aes128gcm`` for Web Push (RFC 8188, RFC 8291).

It is the largest part of the time that a push takes. ``http_ece``, with which pywebpush encrypts, takes a quarter more,
as it derives the keys through objects; the bytes are the same in form.
"""

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hmac import digest
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_BYTES: Final = 65
"""Of an uncompressed point on P-256: 4, x and y."""
SECRET_BYTES: Final = 16
"""Of the authentication secret (RFC 8291, section 3.2)."""
OVERHEAD_BYTES: Final = 103
"""What encryption adds to a payload: header 21, key 65, padding delimiter 1, tag 16 (RFC 8188, RFC 8291)."""
_CURVE: Final = SECP256R1()
_RECORD_BYTES: Final = 4096
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_LAST_RECORD: Final = b"\x02"
"""Stands between the payload of the last record and its padding (RFC 8188, section 2)."""
_FIRST_BLOCK: Final = b"\x01"
"""Ends what HKDF makes its first block of (RFC 5869, section 2.3); no key here needs a second."""


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

    Each message has a key pair and a salt of its own. Raises ``ValueError`` for keys that are none and for a payload
    that needs more than one record.
    """
    return _sealed(
        payload, decode(p256dh), decode(auth), generate_private_key(_CURVE), os.urandom(_SALT_BYTES)
    )


def _sealed(
    payload: bytes, receiver: bytes, secret: bytes, key: EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """Return header and record for the browser's public key and authentication secret (RFC 8291, section 3.4)."""
    sender = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    header = b"%b%b%b%b" % (salt, _RECORD_BYTES.to_bytes(4), bytes([len(sender)]), sender)
    if len(payload) + OVERHEAD_BYTES - len(header) > _RECORD_BYTES:
        msg = f"a payload of {len(payload)} bytes needs more than one record"
        raise ValueError(msg)
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(_CURVE, receiver))
    info = b"WebPush: info\0%b%b" % (receiver, sender)
    keying = digest(digest(secret, shared, "sha256"), info + _FIRST_BLOCK, "sha256")
    extracted = digest(salt, keying, "sha256")
    content_key = digest(extracted, b"Content-Encoding: aes128gcm\0" + _FIRST_BLOCK, "sha256")[:_KEY_BYTES]
    nonce = digest(extracted, b"Content-Encoding: nonce\0" + _FIRST_BLOCK, "sha256")[:_NONCE_BYTES]
    return header + AESGCM(content_key).encrypt(nonce, payload + _LAST_RECORD, None)
