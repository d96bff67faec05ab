"""Browsers as targets: they subscribe, renew their subscription, and end it.

A push service may give a browser a new subscription at any time, also while no one is signed in there, or
while another member is. Which target is renewed is therefore shown by a token that the browser got when it
subscribed, never by the session. The token is kept hashed, good for this purpose only, and replaced whenever it is used.
The answer that brings the next token may get lost, so that the browser repeats the request: the token before
the last stays good for the subscription that it has brought.
"""

import secrets
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.utils.crypto import constant_time_compare

from common.channels import Adding, Address, Channel, added_by
from common.clock import now
from common.errors import InputError
from common.requests import row_key
from registration.forms.targets import store_target
from registration.models import Member, Registration, Target
from registration.models.targets import SWITCHED_OFF_BY_PEOPLE, fingerprint, fingerprints

SIGNED_OUT: Final = "You signed out in this browser."
LISTED_TWICE: Final = "This browser has subscribed once more, and is listed as another contact method."
_PURPOSE: Final = b"renewal of a push subscription\0"
_SECRET_BYTES: Final = 32


def has_channel() -> bool:
    """Say whether a channel is installed that browsers are added to."""
    return bool(list(added_by(Adding.BROWSER)))


def channel_of_browsers() -> Channel:
    """Return the channel that browsers are added to. Raises ``InputError`` where none is installed."""
    channel = next(iter(added_by(Adding.BROWSER)), None)
    if channel is None:
        raise InputError("Browser notifications are not switched on here.")
    return channel


def subscribe(member: Member, checked: Address, label: str, replaces: str) -> tuple[Target, str]:
    """Store the subscription of a member's browser; return the target and its token.

    ``replaces`` is the endpoint that the browser had before, or "": if that is a target of the same member,
    the target and its steps stay and get the new endpoint.
    """
    own = Target.objects.filter(member=member, kind=channel_of_browsers().kind)
    marks = fingerprints(checked.address)
    with transaction.atomic():
        if replaces and not own.filter(fingerprint__in=marks).exists():
            own.filter(fingerprint__in=fingerprints(replaces)).update(**_columns(checked))
        store_target(member, channel_of_browsers(), checked, label)
        target = own.get(fingerprint__in=marks)
        token = _give_token(target, checked)
    return target, token


def token_for_known(member: Member, endpoint: str) -> tuple[Target, str] | None:
    """Return the member's target of that endpoint and a token for it; None where there is none.

    For browsers that have lost their token, or subscribed before there were tokens.
    """
    with transaction.atomic():
        rows = Target.objects.select_for_update().filter(member=member, kind=channel_of_browsers().kind)
        target = rows.filter(fingerprint__in=fingerprints(endpoint)).first()
        if target is None:
            return None
        token, digest = _new_token(target.pk)
        Target.objects.filter(pk=target.pk).update(renewal_hash=digest, renewal_hash_before="")
    return target, token


def renew(token: str, checked: Address) -> str | None:
    """Give the token's target another subscription and return the next token; None for a token that is not good.

    A target that the provider had reported as gone is usable again; one that a person has switched off stays off.
    """
    with transaction.atomic():
        target = _find(token, checked.address)
        if target is None:
            return None
        others = Target.objects.filter(member=target.member_id, kind=channel_of_browsers().kind).exclude(
            pk=target.pk
        )
        other = others.filter(fingerprint__in=fingerprints(checked.address)).first()
        if other is not None:  # the same browser has subscribed by a page meanwhile
            Target.objects.filter(pk=target.pk).update(renewal_hash="", renewal_hash_before="")
            Target.objects.filter(pk=target.pk).disable(LISTED_TWICE)
            Registration.objects.filter(steps__target=target).changed()
            return _give_token(other, checked, _hash(token))
        return _give_token(target, checked, _hash(token))


def end(token: str) -> bool:
    """Switch the token's target off because its member signs out there; return False for a token that is not good."""
    with transaction.atomic():
        target = _find(token)
        if target is None:
            return False
        rows = Target.objects.filter(pk=target.pk)
        rows.disable(SIGNED_OUT)
        rows.update(renewal_hash="", renewal_hash_before="")
        Registration.objects.filter(steps__target=target).changed()
    return True


def _columns(checked: Address) -> dict[str, object]:
    """Return what a new subscription changes of a target."""
    return {
        "address": checked.address,
        "fingerprint": fingerprint(checked.address),
        "shown": checked.shown[:200],
        "config": dict(checked.config),
        "verified_at": now(),
    }


def _give_token(target: Target, checked: Address, before: str = "") -> str:
    """Store a subscription and a new token. ``before`` is the hash of the token that was used, "" for a new start."""
    token, digest = _new_token(target.pk)
    rows = Target.objects.filter(pk=target.pk)
    rows.update(**_columns(checked), renewal_hash=digest, renewal_hash_before=before)
    off = rows.exclude(disabled_reason__in=SWITCHED_OFF_BY_PEOPLE) if before else rows
    off.update(disabled_at=None, disabled_reason="")
    Registration.objects.filter(steps__target=target).changed()
    return token


def _find(token: str, address: str | None = None) -> Target | None:
    """Return the token's target, locked until the transaction ends.

    The token before the last is good with the target's present ``address`` only.
    """
    number, dot, _secret = token.partition(".")
    rows = Target.objects.select_for_update().filter(pk=row_key(number), kind=channel_of_browsers().kind)
    target = rows.first() if dot else None
    if target is None:
        return None
    digest = _hash(token)
    is_last = constant_time_compare(digest, target.renewal_hash)
    is_repeat = constant_time_compare(digest, target.renewal_hash_before) and address == target.address
    return target if is_last or is_repeat else None


def _new_token(pk: int) -> tuple[str, str]:
    token = f"{pk}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    return token, _hash(token)


def _hash(token: str) -> str:
    return sha256(_PURPOSE + token.encode("utf-8", "replace")).hexdigest()
