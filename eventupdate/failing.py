"""Notices about calendars that can't be read, and the end of such a failure."""

from datetime import datetime, timedelta
from typing import Final

from common.channels import Severity
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.sources import SUMMARY, SYSTEM
from registration.models import Calendar, CalendarAccount

LASTING: Final = 6
"""After so many failures in a row (half an hour) a system event is published."""
_WORTH_TELLING: Final = timedelta(days=7)


def tell_of_failure(calendar: Calendar, at: datetime) -> None:
    """Notify the administrators once that a calendar has not been readable for long.

    The name of a member's own calendar is private and not shown.
    """
    name = f"“{calendar}”" if calendar.owner_id is None else f"number {calendar.pk}"
    _tell_administrators(
        f"{calendar.source}:failing:{at:%Y%m%dT%H%M%SZ}",
        f"Calendar {name} can't be read",
        f"{LASTING} attempts in a row have failed. Its notices follow the last successful reading.",
        {"kind": "calendar", "calendar": calendar.pk},
        at,
    )


def tell_of_refusal(calendar: Calendar, at: datetime) -> None:
    """Mark an account as refused, and notify its owner once (the administrators if it has no owner)."""
    account = calendar.account
    if account is None:
        return
    still_well = CalendarAccount.objects.select_for_update().filter(pk=account.pk, refused_at__isnull=True)
    if account.credentials not in still_well.values_list("credentials", flat=True):
        return  # already notified, or connected again while the calendar was read
    still_well.update(refused_at=at)
    provider = CalendarAccount.Provider(account.provider).label
    name = f"account:{account.pk}:refused:{at:%Y%m%dT%H%M%SZ}"
    title = f"Connect {provider} again"
    said = (
        f"{provider} no longer lets us read “{account}”. Its notices follow the last successful reading. "
        "Open your calendars and choose “Connect again”."
    )
    if account.owner is None:
        _tell_administrators(name, title, said, {"kind": "calendar_account", "account": account.pk}, at)
        return
    draft = EventDraft(
        source=SUMMARY.source(),
        external_id=name,
        title=title,
        starts_at=at,
        deadline_at=at + _WORTH_TELLING,
        description=said,
        severity=Severity.WARNING,
        labels={"kind": "calendar_account"},
    )
    tell_member(account.owner, draft)


def note_success(calendar: Calendar) -> None:
    """Remove the mark of a refused account once all of its calendars can be read.

    An account may be refused for one calendar only: to remove the mark after another calendar's
    success would notify the member again and again.
    """
    account = calendar.account
    if account is None or account.refused_at is None:
        return
    others = account.calendars.filter(is_active=True, failures__gt=0).exclude(pk=calendar.pk)
    if not others.exists():
        CalendarAccount.objects.filter(pk=account.pk).update(refused_at=None)


def _tell_administrators(name: str, title: str, said: str, labels: dict[str, object], at: datetime) -> None:
    draft = EventDraft(
        source=SYSTEM.source(),
        external_id=name,
        title=title,
        starts_at=at,
        description=said,
        severity=Severity.WARNING,
        labels=labels,
    )
    publish([draft])
