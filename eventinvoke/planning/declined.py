"""Telling the member who made a registration for another one that it was declined."""

from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext, override

from common.channels import Severity
from common.clock import now
from common.languages import texts_for
from eventinvoke.links import public_url
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.publish import EventDraft
from registration.models import Registration

_WORTH_TELLING: Final = timedelta(days=7)


def tell_of_decline(registration: Registration) -> None:
    """Tell its author, once a decline, in the inbox; nothing where it isn't declined, or was long ago."""
    declined_at, author = registration.declined_at, registration.created_by
    if declined_at is None or author is None or author == registration.member:
        return
    if declined_at < now() - _WORTH_TELLING:
        return
    with override(texts_for(author.language)):
        names = {"member": registration.member, "registration": registration}
        title = gettext("%(member)s declined “%(registration)s”") % names
        said = gettext("Its notices stop unless %(member)s accepts it.") % names
    draft = EventDraft(
        source=SUMMARY_SOURCE,
        external_id=f"registration:{registration.pk}:declined:{declined_at:%Y%m%dT%H%M%S.%fZ}",
        title=title,
        starts_at=declined_at,
        deadline_at=declined_at + _WORTH_TELLING,
        description=said,
        url=public_url(reverse("registration:registration-list")),
        severity=Severity.WARNING,
        labels={"kind": "declined"},
    )
    tell_member(author, draft)
