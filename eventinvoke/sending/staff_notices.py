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


def tell_staff(channel: Channel, what: str, reason: str) -> None:
    """Tell each administrator, once a day, channel and problem, ``what`` keeps notices from being sent.

    A failure to tell them changes nothing for those whose notices were not sent.
    """
    instant = now()
    name = f"{what} {channel.kind} {instant:%Y-%m-%d}"
    try:
        if Event.objects.filter(source=SUMMARY_SOURCE, external_id__startswith=f"{name} ").exists():
            return
        with transaction.atomic():
            for member in Member.objects.active().filter(user__is_staff=True).order_by("pk"):
                draft = EventDraft(
                    source=SUMMARY_SOURCE,
                    external_id=f"{name} {member.pk}",
                    title=f"{channel.label}: {what}",
                    description=reason,
                    starts_at=instant,
                    severity=Severity.CRITICAL,
                )
                tell_member(member, draft)
    except DatabaseError:
        log.exception("the administrators could not be told of %s: %s", channel.kind, what)
