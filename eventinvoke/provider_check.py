"""Asking Twilio about the account, by a worker, for the page of the providers."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from common.clock import now
from common.errors import ProviderError
from eventinvoke.links import public_url
from eventinvoke.providers.twilio import account, senders
from registration.jobs import Result, work
from registration.models import Member

CHECK: Final = "provider-check"
"""The kind of the job; its result has ``balance``, ``sentences`` about numbers, and ``at`` (ISO 8601)."""


def texts_url() -> str:
    """Return where Twilio has to bring texts that come to our senders."""
    return public_url(reverse("notification:text-answer"))


def text_numbers() -> list[str]:
    """Return the numbers that texts come from, and that may be answered."""
    found = [*senders.read(settings.TWILIO_TEXT_FROM).all, *senders.read(settings.TWILIO_FROM_NUMBER).all]
    return list(dict.fromkeys(one.text for one in found if one.kind is senders.Kind.NUMBER))


@work(CHECK)
def _check(_member: Member, _given: Mapping[str, Any]) -> Result:
    numbers = [] if settings.IS_SIMULATED else text_numbers()
    found = account.look(numbers)
    if found.problem and not found.balance and not found.webhooks:
        raise ProviderError(found.problem)
    sentences = [_about(number, webhook) for number, webhook in sorted(found.webhooks.items())]
    return {
        "balance": found.balance or "Twilio gives none for this account",
        "sentences": [one for one in (found.problem, *sentences) if one],
        "at": now().isoformat(),
    }


def _about(number: str, webhook: str | None) -> str:
    if webhook is None:
        return f"{number} is no number of this Twilio account."
    if webhook == texts_url():
        return f"Texts to {number} come here."
    return f"Texts to {number} don't come here: set “A message comes in” of this number to {texts_url()}."
