"""Notices to the administrators: what keeps the installation from telling people."""

import logging

from django.db import DatabaseError, transaction

from common.channels import Channel, Severity
from common.clock import now
from eventinvoke.models import Event
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.publish import EventDraft
from registration.models import Member

log = logging.getLogger(__name__)


def tell_staff_of_refusal(channel: Channel, reason: str) -> None:
    """Tell each administrator, once a day and channel, that a provider refuses our settings.

    A failure to tell them changes nothing for those whose notices were refused.
    """
    instant = now()
    name = f"refused {channel.kind} {instant:%Y-%m-%d}"
    try:
        if Event.objects.filter(source=SUMMARY_SOURCE, external_id__startswith=f"{name} ").exists():
            return
        with transaction.atomic():
            for member in Member.objects.active().filter(user__is_staff=True).order_by("pk"):
                draft = EventDraft(
                    source=SUMMARY_SOURCE,
                    external_id=f"{name} {member.pk}",
                    title=f"{channel.label}: the provider refuses our settings",
                    description=reason,
                    starts_at=instant,
                    severity=Severity.CRITICAL,
                )
                tell_member(member, draft)
    except DatabaseError:
        log.exception("the administrators could not be told that %s is refused", channel.kind)
