"""A browser's subscription, as a form or a script hands it to us."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from common.channels import Address
from common.errors import AddressError
from common.http import check_public_url
from eventinvoke.channels.webpush.encryption import SECRET_BYTES, check_point, decode, encode

_SERVICES: Final = (
    ("fcm.googleapis.com", "Chrome or a relative of it"),
    ("push.services.mozilla.com", "Firefox"),
    ("push.apple.com", "Safari"),
    ("notify.windows.com", "Edge"),
)
_AGAIN: Final = "Remove this browser's permission and allow notifications once more."


def check(address: str, config: Mapping[str, Any]) -> Address:
    """Return a subscription as it is stored.

    Raises ``AddressError`` with the field "address" for the endpoint, and "keys" for the keys.
    """
    endpoint = check_public_url(address, schemes=("https",))
    keys = config.get("keys")
    if not isinstance(keys, Mapping):
        msg = f"The browser gave no keys. {_AGAIN}"
        raise AddressError(msg, field="keys")
    try:
        point = decode(_text(keys, "p256dh"))
        check_point(point)
        secret = decode(_text(keys, "auth"))
    except ValueError:
        msg = f"The browser's keys can't be used: they are not a point on P-256 and a secret. {_AGAIN}"
        raise AddressError(msg, field="keys") from None
    if len(secret) != SECRET_BYTES:
        msg = f"The browser's keys can't be used: the secret has {len(secret)} bytes, not {SECRET_BYTES}. {_AGAIN}"
        raise AddressError(msg, field="keys")
    stored = {"keys": {"p256dh": encode(point), "auth": encode(secret)}}
    return Address(address=endpoint, shown=_shown(endpoint), config=stored)


def _text(keys: Mapping[str, Any], name: str) -> str:
    value = keys.get(name)
    if not isinstance(value, str) or not value.isascii():
        msg = f"{name} is no text"
        raise ValueError(msg)
    return value


def _shown(endpoint: str) -> str:
    host = urlsplit(endpoint).hostname or ""
    for domain, browser in _SERVICES:
        if host == domain or host.endswith(f".{domain}"):
            return browser
    return f"Browser (by way of {host})"
