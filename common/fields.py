"""Model fields that encrypt at rest, and the keyed hash by which what they hold is looked up.

AES-256-GCM (NIST SP 800-38D) with keys that HKDF (RFC 5869) derives from those of ``NOTICE_ENCRYPTION_KEYS``: the
first encrypts, all decrypt, so a key is rotated by putting a new one in front. It takes a tenth of the time
that Fernet takes, which matters for what is decrypted with every message; Fernet tokens of earlier versions are read too.
"""

import hmac
import json
import os
from base64 import urlsafe_b64decode
from binascii import a2b_base64, b2a_base64
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

_MARK: Final = "1:"
"""Stands before what is encrypted in this way; no Fernet token begins so."""
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class _Key(NamedTuple):
    cipher: AESGCM
    lookup: bytes
    """Of the keyed hash."""
    fernet: Fernet


@cache
def _keys(given: tuple[str, ...]) -> tuple[_Key, ...]:
    return tuple(
        _Key(AESGCM(_derived(key, b"columns")), _derived(key, b"look-ups"), Fernet(key)) for key in given
    )


def _derived(key: str, purpose: bytes) -> bytes:
    derivation = HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"pfs-notice " + purpose)
    return derivation.derive(urlsafe_b64decode(key))


def _ours() -> tuple[_Key, ...]:
    return _keys(tuple(settings.NOTICE_ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """Return the text encrypted with the first key."""
    nonce = os.urandom(_NONCE_BYTES)
    raw = nonce + _ours()[0].cipher.encrypt(nonce, text.encode(), None)
    return _MARK + b2a_base64(raw, newline=False).decode("ascii")


def decrypt(token: str) -> str:
    """Return the decrypted text. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    if not token.startswith(_MARK):
        return _of_fernet(token)
    try:
        raw = a2b_base64(token[len(_MARK) :])
    except ValueError as error:
        raise InvalidToken from error
    nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    for key in _ours():
        try:
            return key.cipher.decrypt(nonce, sealed, None).decode()
        except (InvalidTag, ValueError):  # another key, or no token of ours
            continue
    raise InvalidToken


def is_current(token: str) -> bool:
    """Say whether a text was encrypted by ``encrypt`` with the first key."""
    if not token.startswith(_MARK):
        return False
    try:
        raw = a2b_base64(token[len(_MARK) :])
        _ours()[0].cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return False
    return True


def _of_fernet(token: str) -> str:
    for key in _ours():
        try:
            return key.fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            continue
    raise InvalidToken


def lookup_hash(digest: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hexadecimal) of a SHA-256 in hexadecimal, with the first key.

    Without the key, what was hashed can't be found out by trying all phone numbers.
    """
    return _hash(_ours()[0], digest)


def lookup_hashes(digest: str) -> list[str]:
    """Return the keyed hash with each key: the rows of before a rotation are found too."""
    return [_hash(key, digest) for key in _ours()]


def _hash(key: _Key, digest: str) -> str:
    return hmac.digest(key.lookup, digest.encode("ascii"), sha256).hex()


class _Encrypted(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A column that can't be searched: equal values are encrypted to different tokens."""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse every look-up but ``isnull``, which would find nothing."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class EncryptedTextField(_Encrypted):
    """Text that is encrypted in the database and plain in Python."""

    def get_prep_value(self, value: object) -> str | None:
        """Encrypt on the way to the database; "" and None stay as they are."""
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, *_args: object) -> str | None:
        """Decrypt on the way from the database."""
        return decrypt(value) if value else value


class EncryptedObjectField(_Encrypted):
    """A JSON object that is encrypted in the database; an empty one is stored as ""."""

    # Read by django-stubs alone: what may be assigned, and what is read.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def get_prep_value(self, value: object) -> str:
        """Encrypt on the way to the database."""
        return encrypt(json.dumps(value)) if value else ""

    def from_db_value(self, value: str, *_args: object) -> dict[str, Any]:
        """Decrypt on the way from the database."""
        return self.to_python(decrypt(value)) if value else {}

    def to_python(self, value: Any) -> dict[str, Any]:
        """Return the object that a text says."""
        found: dict[str, Any] = json.loads(value or "{}") if isinstance(value, str) else value or {}
        return found
