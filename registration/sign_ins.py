"""A limit on guessing passwords: so many failures for one name from one address, then a pause.

A try is written down before the password is looked at, so that tries at the same moment count each
other; the one that succeeds takes all of its name and address away. Names are kept hashed, as users now
and then type a password into the field for the name.
"""

import hashlib
import unicodedata
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from common.clock import now
from registration.models import SignInTry

WINDOW: Final = timedelta(minutes=15)
FAILURES: Final = 10
"""So many in a ``WINDOW`` at most, for one name from one address."""


def key_of(request: HttpRequest | None, name: str) -> str:
    """Return what failures are counted by: the name as it is compared, and whence it was tried."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return hashlib.sha256(f"{plain}\0{_address(request)}".encode()).hexdigest()


def _address(request: HttpRequest | None) -> str:
    if request is None:
        return ""
    if settings.NOTICE_BEHIND_PROXY:
        # The last one was added by our own proxy; the browser can claim any before it.
        return str(request.headers.get("X-Forwarded-For", "")).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def take_try(key: str) -> timedelta:
    """Write a try down, and return how long to wait before it may be made; nothing if it may be now."""
    instant = now()
    SignInTry.objects.filter(tried_at__lte=instant - WINDOW).delete()
    own = SignInTry.objects.create(key=key, tried_at=instant)
    recent = SignInTry.objects.filter(key=key).exclude(pk=own.pk).order_by("-tried_at", "-pk")
    before = list(recent.values_list("tried_at", flat=True)[:FAILURES])
    if len(before) < FAILURES:
        return timedelta(0)
    own.delete()  # a try that was not made does not make the pause longer
    return max(before[-1] + WINDOW - instant, timedelta(seconds=1))


def forget(key: str) -> None:
    """Take the failures away: the person has signed in."""
    SignInTry.objects.filter(key=key).delete()
