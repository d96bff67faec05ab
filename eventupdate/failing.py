"""Calendars that can't be read: who is told of it, and when they are well again."""

from datetime import datetime, timedelta
from typing import Final

from common.channels import Severity
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.sources import SUMMARY, SYSTEM
from registration.models import Calendar, CalendarAccount

LASTING: Final = 6
"""So many failures in a row (half an hour) raise a system event."""
_WORTH_TELLING: Final = timedelta(days=7)


def tell_of_failure(calendar: Calendar, at: datetime) -> None:
    """Tell those who look after the system, once, that a calendar has not been readable for long.

    The name of a calendar that belongs to one member is that member's own business.
    """
    name = f"“{calendar.name}”" if calendar.owner_id is None else f"number {calendar.pk}"
    _tell_keepers(
        f"{calendar.source}:failing:{at:%Y%m%dT%H%M%SZ}",
        f"Calendar {name} can't be read",
        f"{LASTING} attempts in a row have failed. Its notices go by what was read last.",
        {"kind": "calendar", "calendar": calendar.pk},
        at,
    )


def tell_of_refusal(calendar: Calendar, at: datetime) -> None:
    """Note that an account has to be connected again, and tell its owner, or else the keepers, once."""
    account = calendar.account
    if account is None:  # there is no account to connect again
        return
    still_well = CalendarAccount.objects.select_for_update().filter(pk=account.pk, refused_at__isnull=True)
    if account.credentials not in still_well.values_list("credentials", flat=True):
        return  # it is told already, or was connected again while it was read
    still_well.update(refused_at=at)
    provider = CalendarAccount.Provider(account.provider).label
    name = f"account:{account.pk}:refused:{at:%Y%m%dT%H%M%SZ}"
    title = f"Connect {provider} again"
    said = (
        f"{provider} no longer lets us read “{account.name}”. Its notices go by what was read last. "
        "Open your calendars and choose “Connect again”."
    )
    if account.owner is None:
        _tell_keepers(name, title, said, {"kind": "calendar_account", "account": account.pk}, at)
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
    """Note that an account that was refused lets us read again, all of its calendars.

    There are accounts that may read one calendar and not another: to forget the refusal at each
    success would tell the member of it over and over.
    """
    account = calendar.account
    if account is None or account.refused_at is None:
        return
    others = account.calendars.filter(is_active=True, failures__gt=0).exclude(pk=calendar.pk)
    if not others.exists():
        CalendarAccount.objects.filter(pk=account.pk).update(refused_at=None)


def _tell_keepers(name: str, title: str, said: str, labels: dict[str, object], at: datetime) -> None:
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
