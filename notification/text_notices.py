"""Which notice a text from a phone number answers: the last one that was sent to this number."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from common.channels import Outcome
from common.clock import now
from eventinvoke.models import Attempt, Delivery
from registration.models import Target
from registration.models.targets import fingerprints

KIND: Final = "sms"
_TOGETHER: Final = timedelta(minutes=1)
"""Texts that were sent within this time may arrive in any order, so that one of them can't be meant by a word."""
_PERIOD: Final = timedelta(days=8)
"""Notices that were due before are not looked at."""
_NOT_SENT: Final = (Outcome.RETRY, Outcome.REJECTED, Outcome.GONE, Outcome.MISCONFIGURED)


def targets_of(number: str) -> "QuerySet[Target]":
    """Return the verified targets of text messages with this number (E.164), of all members."""
    return Target.objects.filter(
        kind=KIND, fingerprint__in=fingerprints(number), verified_at__isnull=False
    ).select_related("member__user")


def last_notices(targets: Sequence[Target]) -> list[Attempt]:
    """Return the tries by which these targets were last told, the latest first.

    More than one where notices about different matters, or for different members, went out within a minute.
    """
    instant = now()
    rows = (
        Attempt.objects.filter(
            delivery__member__in={target.member_id for target in targets},
            delivery__target__in=[target.pk for target in targets],
            delivery__due_at__gt=instant - _PERIOD,
            delivery__kind=KIND,
        )
        .exclude(outcome__in=_NOT_SENT)
        .select_related(
            "delivery__event", "delivery__member__user", "delivery__target", "delivery__registration"
        )
        .order_by("-started_at", "-pk")
    )
    found: list[Attempt] = []
    for attempt in rows[:20]:
        if found and attempt.started_at < found[0].started_at - _TOGETHER:
            break
        if not found or (not is_over(attempt.delivery) and _matter(attempt) not in map(_matter, found)):
            found.append(attempt)
    return found


def _matter(attempt: Attempt) -> tuple[int, object, int | None]:
    delivery = attempt.delivery
    return delivery.event_id, delivery.starts_at, delivery.member_id


def is_over(delivery: Delivery) -> bool:
    """Say whether neither the notice nor its event goes on."""
    ends_at = delivery.event.ends_at or delivery.event.starts_at
    return max(delivery.deadline_at, ends_at) <= now()
