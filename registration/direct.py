"""What is sent to a target at once, outside of any plan: the code that verifies it, and a test."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext, override

from common import channels
from common.channels import Message, Outcome, SendResult
from common.clock import now
from common.errors import InputError, ProviderError
from common.languages import texts_for
from registration import spending
from registration.jobs import Result, work
from registration.models import Member, Registration, Target

PAUSE: Final = timedelta(minutes=2)
"""Between two tests of the same target: a call costs money, and may ring at a bad moment."""
TEST: Final = "target-test"
"""The kind of the job that sends a test: given ``target``, a key; the result is a sentence, ``said``."""
_TAKEN: Final = {
    Outcome.ACCEPTED: "A test is on its way to {target}.",
    Outcome.DELIVERED: "A test has arrived at {target}.",
    Outcome.UNKNOWN: "The provider's answer got lost: a test to {target} may be on its way or not.",
}


def send_at_once(target: Target, say: Callable[[], str], *, tag: str, expires_at: datetime) -> SendResult:
    """Send what ``say`` returns, in the language of the target's member, and return what became of it.

    Raises ``ProviderError`` when the channel said nothing about it.
    """
    with override(texts_for(target.member.language)):
        body = say()
    message = Message(
        process_id="",
        address=target.address,
        title="PFS Notice",
        body=body,
        tag=tag,
        expires_at=expires_at,
        config=target.config,
        language=target.member.language,
        time_zone=target.member.time_zone,
        url=settings.NOTICE_PUBLIC_URL,
    )
    for result in channels.get(target.kind).send([message]):
        if result is not None:
            return result
    raise ProviderError("The channel gave no answer.")


def send_test(target: Target) -> str:
    """Send a test to a usable target, and return a sentence that says what became of it.

    Raises ``InputError`` when one was sent just now, and ``ProviderError`` with the provider's reason
    when it was not taken. A target that the provider says is gone is switched off.
    """
    instant = now()
    rested = Q(tested_at=None) | Q(tested_at__lte=instant - PAUSE)
    if not Target.objects.usable().filter(rested, pk=target.pk).update(tested_at=instant):
        raise InputError(f"A test was sent to {target} just now. Wait two minutes for another.")
    spending.take_one(target.kind, target.member_id)
    result = send_at_once(target, _test, tag=f"test-{target.pk}", expires_at=instant + PAUSE)
    Target.objects.filter(pk=target.pk).update(test_provider_id=result.provider_id[:64])
    if result.outcome in _TAKEN:
        return _TAKEN[result.outcome].format(target=target)
    if result.outcome is Outcome.GONE:
        Target.objects.filter(pk=target.pk).disable(result.reason)
        Registration.objects.filter(steps__target=target).changed()
    raise ProviderError(f"The test could not be sent. {result.reason}".strip())


@work(TEST)
def _test_for_page(_member: Member, given: Mapping[str, Any]) -> Result:
    target = Target.objects.filter(pk=given["target"]).first()
    if target is None:
        raise InputError("This contact method is deleted.")
    return {"said": send_test(target)}


def _test() -> str:
    return gettext("This is a test. Your notices arrive here.")
