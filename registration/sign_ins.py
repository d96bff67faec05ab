"""Limits on guessing passwords: for a name from one place, for all names from one place, and for a name from all places.

A place is an IPv4 address, or the /64 of an IPv6 address, which one customer has (RFC 6177). A try is written down before
the password is looked at, so that tries at the same moment count each other; the one that succeeds takes away what
failed for its name at its place.

No limit lets strangers keep a member from signing in. A name on which many places guess is tried less often from
each place, but from each. A place from which many names are tried is closed to all but those who have signed in from there.
Names and places are kept hashed, as users now and then type a password into the field for the name.
"""

import hashlib
import unicodedata
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest

from common.clock import now
from registration.models import SignInPlace, SignInTry

WINDOW: Final = timedelta(minutes=15)
FAILURES: Final = 10
"""So many in a ``WINDOW`` at most, for one name from one place."""
FAILURES_OF_A_PLACE: Final = 50
"""So many in a ``WINDOW`` at most, for all names from one place."""
FAILURES_OF_A_NAME: Final = 100
"""After so many in a ``WINDOW`` from all places, each place has ``FAILURES_UNDER_ATTACK``."""
FAILURES_UNDER_ATTACK: Final = 3
KNOWN_FOR: Final = timedelta(days=90)
"""For so long a place is remembered as that of a name that signed in from there."""
_NETWORK_BITS: Final = 64


class Keys(NamedTuple):
    """What tries are counted by: hashes of the name at its place, of the place (or ""), and of the name."""

    pair: str
    place: str
    name: str


def keys_of(request: HttpRequest | None, name: str) -> Keys:
    """Return the keys of a try: the name as it is compared, and whence it is tried."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    place = place_of(_address(request))
    return Keys(_hash("pair", plain, place), _hash("place", place) if place else "", _hash("name", plain))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _address(request: HttpRequest | None) -> str:
    if request is None:
        return ""
    if settings.NOTICE_BEHIND_PROXY:
        # The last one was added by our own proxy; the browser can claim any before it.
        return str(request.headers.get("X-Forwarded-For", "")).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def place_of(address: str) -> str:
    """Return the network that counts as one place; a port that a proxy adds is left out, other texts stay."""
    host = address.partition("]")[0].lstrip("[") if address.startswith("[") else address
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        pass
    try:
        six = IPv6Address(host.partition("%")[0])
    except AddressValueError:
        return address
    return str(six.ipv4_mapped or ip_network((six, _NETWORK_BITS), strict=False))


def take_try(keys: Keys) -> timedelta:
    """Write a try down, and return how long to wait before it may be made; nothing if it may be now."""
    instant = now()
    SignInTry.objects.filter(tried_at__lte=instant - WINDOW).delete()
    own = SignInTry.objects.create(key=keys.pair, place=keys.place, name=keys.name, tried_at=instant)
    waits = [_wait(own, instant, _most_for(own), key=keys.pair)]
    if keys.place and not SignInPlace.objects.filter(key=keys.pair, used_at__gt=instant - KNOWN_FOR).exists():
        waits.append(_wait(own, instant, FAILURES_OF_A_PLACE, place=keys.place))
    if max(waits) > timedelta(0):
        own.delete()  # a try that was not made does not make the pause longer
    return max(waits)


def _most_for(own: SignInTry) -> int:
    """Return how many failures one place has for the name: few while many places guess."""
    others = SignInTry.objects.filter(name=own.name).exclude(pk=own.pk)[:FAILURES_OF_A_NAME]
    return FAILURES if len(others.values_list("pk")) < FAILURES_OF_A_NAME else FAILURES_UNDER_ATTACK


def _wait(own: SignInTry, instant: datetime, most: int, **same: str) -> timedelta:
    recent = SignInTry.objects.filter(**same).exclude(pk=own.pk).order_by("-tried_at", "-pk")
    before = list(recent.values_list("tried_at", flat=True)[:most])
    return max(before[-1] + WINDOW - instant, timedelta(seconds=1)) if len(before) == most else timedelta(0)


def succeed(keys: Keys) -> None:
    """Take the failures of the name at its place away, and remember the place: the person has signed in."""
    SignInTry.objects.filter(key=keys.pair).delete()
    SignInPlace.objects.update_or_create(key=keys.pair, defaults={"used_at": now()})
