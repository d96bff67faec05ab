"""What a push service checks of who sends (RFC 8292, section 4)."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any

from py_vapid import Vapid02

_DAY = 24 * 3600


class Refused(Exception):  # noqa: N818 - it is an answer
    """What the service does not take: the status, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_vapid(authorization: str, host: str) -> dict[str, Any]:
    """Return the claims of the header Authorization. Raises ``Refused``."""
    try:
        is_ours = Vapid02.verify(authorization.replace(", ", ","))
    except (AssertionError, IndexError, ValueError) as error:
        raise Refused(401, f"Authorization can't be read: {error}") from error
    if not is_ours:
        raise Refused(403, "the VAPID signature is wrong")
    token = authorization.partition(" t=")[2].partition(",")[0]
    middle = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    if claims.get("aud") != f"https://{host}":
        raise Refused(403, f"aud is {claims.get('aud')}")
    if not time.time() < claims.get("exp", 0) <= time.time() + _DAY:
        raise Refused(403, "exp is past, or more than a day away")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Refused(403, "sub is no address")
    return claims
