"""Confirming that a target belongs to its member: a code is sent to it, and the member types it.

A code has six digits, is valid for five tries and ten minutes, and is stored as a keyed hash. How
often codes are sent is limited for each target, each member and each address, so that a member
can't have a stranger's phone called over and over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext

from common.channels import Outcome, SendResult
from common.clock import now
from common.errors import InputError, ProviderError
from registration import spending
from registration.codes import new_code, normalise_code
from registration.direct import send_at_once
from registration.jobs import Result, work
from registration.models import Member, Target, Verification
from registration.models.targets import fingerprints

LIFETIME: Final = timedelta(minutes=10)
CODE: Final = "target-code"
"""The kind of the job that sends a code: given ``target``, a key; the result is a sentence, ``said``."""
PAUSE: Final = timedelta(minutes=1)
"""Between two codes to the same target."""
WINDOW: Final = timedelta(hours=1)
A_TARGET: Final = 5
A_MEMBER: Final = 10
AN_ADDRESS: Final = 8
"""So many codes in a ``WINDOW`` at most; in a day as many as NOTICE_DAILY says."""
_DAY: Final = timedelta(days=1)
_LONG_MINUTES: Final = 120
_JUST_NOW: Final = "A code was sent just now. You can have another in {wait}."
_TOO_OFTEN: Final = "Too many codes were asked for. Try again in {wait}."


def start(target: Target) -> Verification:
    """Send a new code to the target; earlier codes become invalid.

    Raises ``InputError`` (``field`` "code") when too many codes were requested, and
    ``ProviderError`` with the provider's reason when the code was not taken.
    """
    code = new_code()
    with transaction.atomic():
        # One at a time for each member: two clicks at once send one code.
        Member.objects.select_for_update().get(pk=target.member_id)
        instant = now()
        _check_limits(target)
        spending.take_one(target.kind, target.member_id)
        Verification.objects.filter(target=target).update(tries_left=0)
        verification = Verification.objects.create(
            target=target,
            member_id=target.member_id,
            fingerprint=target.fingerprint,
            code_hash=_hash(target, instant, code),
            sent_at=instant,
            expires_at=instant + LIFETIME,
        )
    result = _send(target, verification, code)
    Verification.objects.filter(pk=verification.pk).update(provider_id=result.provider_id[:64])
    if result.outcome not in {Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.UNKNOWN}:
        Verification.objects.filter(pk=verification.pk).update(tries_left=0)
        raise ProviderError(f"The code could not be sent. {result.reason}".strip())
    return verification


@work(CODE)
def _start_for_page(_member: Member, given: Mapping[str, Any]) -> Result:
    target = Target.objects.filter(pk=given["target"], verified_at=None).first()
    if target is None:
        raise InputError("This contact method is deleted or already verified.")
    start(target)
    return {"said": f"A code is on its way to {target.shown}."}


def wait_before_next(target: Target) -> timedelta:
    """Return how long it is until another code may be sent to the target; nothing if it may be now."""
    instant = now()
    latest = Verification.objects.filter(target=target).order_by("-sent_at").first()
    ends = [] if latest is None else [latest.sent_at + PAUSE]
    for concerned, limit, window in (
        (Q(target=target), A_TARGET, WINDOW),
        (Q(member=target.member_id), A_MEMBER, WINDOW),
        (Q(fingerprint__in=fingerprints(target.address)), AN_ADDRESS, WINDOW),
        (Q(member=target.member_id), int(settings.NOTICE_DAILY_MEMBER["codes"]), _DAY),
        (Q(), int(settings.NOTICE_DAILY["codes"]), _DAY),
    ):
        sent = Verification.objects.filter(concerned, sent_at__gt=instant - window).order_by("-sent_at")
        latest_that_count = sent.values_list("sent_at", flat=True)[: max(limit, 1)]
        if len(latest_that_count) >= limit:
            ends.append((min(latest_that_count) if latest_that_count else instant) + window)
    return max([end - instant for end in ends if end > instant], default=timedelta(0))


def confirm(target: Target, code: str) -> None:
    """Mark the target verified if this is the code that was sent last.

    Raises ``InputError`` (``field`` "code") that says what is wrong and how many tries are left.
    """
    latest = Verification.objects.filter(target=target).order_by("-sent_at", "-pk").first()
    if latest is None:
        raise InputError("No code was sent yet.", field="code")
    given = _hash(target, latest.sent_at, normalise_code(code))
    # One statement takes the try and, if the code is right, uses it up: of any number of requests
    # at once, each costs a try and one at most succeeds.
    is_taken = (
        Verification.objects.open()
        .filter(pk=latest.pk)
        .update(
            tries_left=F("tries_left") - 1,
            used_at=Case(When(code_hash=given, then=Value(now())), default=None),
        )
    )
    if is_taken and constant_time_compare(given, latest.code_hash):
        Target.objects.filter(pk=target.pk, verified_at__isnull=True).update(verified_at=now())
        return
    latest.refresh_from_db()
    raise InputError(_explain(latest, is_taken=bool(is_taken)), field="code")


def _explain(verification: Verification, *, is_taken: bool) -> str:
    if is_taken and verification.tries_left:
        tries = "one more try" if verification.tries_left == 1 else f"{verification.tries_left} more tries"
        return f"That is not the code. You have {tries}."
    if verification.used_at is not None:
        return "This code was used already."
    if verification.expires_at <= now():
        return "This code is too old. Ask for a new one."
    return "That was not the code, and there are no tries left. Ask for a new one."


def _hash(target: Target, sent_at: datetime, code: str) -> str:
    value = f"{target.pk}:{target.fingerprint}:{sent_at.isoformat()}:{code}"
    return salted_hmac("registration.verification", value, algorithm="sha256").hexdigest()


def _check_limits(target: Target) -> None:
    wait = wait_before_next(target)
    if wait > timedelta(0):
        said = _JUST_NOW if wait <= PAUSE else _TOO_OFTEN
        raise InputError(said.format(wait=say_wait(wait)), field="code")


def say_wait(wait: timedelta) -> str:
    """Return a wait in words, rounded up: “40 seconds”, “12 minutes”."""
    seconds = max(1, -(-wait // timedelta(seconds=1)))
    if seconds <= PAUSE.total_seconds():
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes <= _LONG_MINUTES else f"{-(-minutes // 60)} hours"


def _send(target: Target, verification: Verification, code: str) -> SendResult:
    return send_at_once(
        target,
        lambda: gettext("Your code for PFS Notice is %(code)s.") % {"code": code},
        tag=f"verification-{verification.pk}",
        expires_at=verification.expires_at,
    )
