"""Model fields that encrypt at rest.

Fernet (AES-128-CBC and HMAC-SHA256) with the keys of ``NOTICE_ENCRYPTION_KEYS``: the first
encrypts, all decrypt, so a key is rotated by putting a new one in front.
"""

from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Return the text encrypted with the first key."""
    return _cipher(tuple(settings.NOTICE_ENCRYPTION_KEYS)).encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """Return the decrypted text. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    return _cipher(tuple(settings.NOTICE_ENCRYPTION_KEYS)).decrypt(token.encode("ascii")).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text that is encrypted in the database and plain in Python. It can't be searched."""

    def get_prep_value(self, value: object) -> str | None:
        """Encrypt on the way to the database; "" and None stay as they are."""
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, *_args: object) -> str | None:
        """Decrypt on the way from the database."""
        return decrypt(value) if value else value
