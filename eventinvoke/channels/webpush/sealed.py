"""A push that was encrypted ahead, with what tells whether it still says what is to be said."""

from hashlib import blake2b
from typing import Final

from common.channels import Message
from eventinvoke.channels.webpush import payload
from eventinvoke.channels.webpush.encryption import encrypt

_DIGEST_BYTES: Final = 16


def seal(message: Message) -> bytes:
    """Return a message's encrypted body behind a digest of all that it was made of.

    Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` for keys that are none.
    """
    plain = payload.build(message)
    keys = message.config["keys"]
    p256dh, auth = keys["p256dh"], keys["auth"]
    return _digest(plain, p256dh, auth) + encrypt(plain, p256dh, auth)


def body_of(message: Message, max_bytes: int = payload.MAX_BYTES) -> bytes:
    """Return a message's encrypted body: the one that was made ahead if nothing has changed since.

    The payload has at most ``max_bytes``. Raises what ``seal`` raises.
    """
    plain = payload.build(message, max_bytes)
    keys = message.config["keys"]
    p256dh, auth = keys["p256dh"], keys["auth"]
    prepared = message.prepared
    if prepared and prepared[:_DIGEST_BYTES] == _digest(plain, p256dh, auth):
        return prepared[_DIGEST_BYTES:]
    return encrypt(plain, p256dh, auth)


def _digest(plain: bytes, p256dh: str, auth: str) -> bytes:
    return blake2b(
        b"%b\n%b\n%b" % (plain, p256dh.encode(), auth.encode()), digest_size=_DIGEST_BYTES
    ).digest()
