"""Telling a member that one of their contact methods has died: a browser unsubscribed, a phone answered STOP.

Its steps are left out from then on, so that the member would miss notices without knowing why.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext, override

from common.channels import Severity
from common.languages import texts_for
from eventinvoke.links import public_url
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.publish import EventDraft
from registration.models import Target

logger = logging.getLogger(__name__)

MAIL: Final = "email"
_WORTH_TELLING: Final = timedelta(days=7)


def tell_of_lost_targets(targets: Iterable[Target]) -> None:
    """Tell the members of these disabled targets, once a loss: in the inbox, and by mail where there is a usable address.

    A loss is a target with the time at which it was disabled; telling of it again changes nothing. Call it after the
    transaction that disabled them. A failure is logged and keeps none of the others from being told.
    """
    for target in targets:
        if target.disabled_at is None:
            continue
        try:
            _tell(target, target.disabled_at)
        except Exception:
            logger.exception("the loss of target %s was not told", target.pk)


def disable_and_tell(targets: QuerySet[Target], reason: str) -> None:
    """Disable those of these targets that are still on, and tell their members."""
    pks = list(targets.filter(disabled_at__isnull=True).values_list("pk", flat=True))
    lost = Target.objects.filter(pk__in=pks)
    if lost.disable(reason):
        tell_of_lost_targets(lost.select_related("member"))


def _tell(target: Target, lost_at: datetime) -> None:
    member = target.member
    with override(texts_for(member.language)):
        title = gettext("Notices no longer reach you by “%(target)s”") % {"target": target}
        said = gettext(
            "%(reason)s Its steps are left out until you switch it on or add it again in your contact methods."
        ) % {"reason": target.disabled_reason}
    draft = EventDraft(
        source=SUMMARY_SOURCE,
        external_id=f"target:{target.pk}:lost:{lost_at:%Y%m%dT%H%M%S.%fZ}",
        title=title,
        starts_at=lost_at,
        deadline_at=lost_at + _WORTH_TELLING,
        description=said.strip(),
        url=public_url(reverse("registration:target-list")),
        severity=Severity.WARNING,
        labels={"kind": "target_lost"},
    )
    mails = Target.objects.usable().filter(member=member, kind=MAIL).exclude(pk=target.pk)
    tell_member(member, draft, mails[:1])
