"""Which calendars of an account are read: adding some, removing others, disconnecting the account."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction

from eventupdate.reading import RemoteCalendar
from registration.amounts import check_calendars
from registration.models import Calendar, CalendarAccount, Registration

_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Choice:
    """How many calendars a choice added and removed."""

    added: int = 0
    removed: int = 0


def calendars_let_go(account: CalendarAccount, chosen: Collection[str]) -> list[Calendar]:
    """Return the account's calendars that are not among the chosen ids."""
    return [one for one in account.calendars.defer("content") if one.remote_id not in chosen]


def choose(
    account: CalendarAccount,
    remote: Iterable[RemoteCalendar],
    chosen: Collection[str],
    let_go: Collection[int],
) -> Choice:
    """Add the chosen calendars, and remove those whose primary keys are in ``let_go``.

    A chosen calendar that is read already is not changed, nor are its events. Raises ``InputError`` where the owner
    would have too many.
    """
    with transaction.atomic():
        # Two concurrent requests (a double click) must not add a calendar twice.
        account = CalendarAccount.objects.select_for_update().get(pk=account.pk)
        known = set(account.calendars.values_list("remote_id", flat=True))
        new = [one for one in remote if one.remote_id in chosen and one.remote_id not in known]
        check_calendars(account.owner, len(new))
        Calendar.objects.bulk_create([_calendar(account, one) for one in new])
        gone = Calendar.objects.filter(account=account, pk__in=let_go).exclude(remote_id__in=chosen)
        removed = len(gone.lock())
        if removed:
            _replan(account)
            gone.delete()
    return Choice(len(new), removed)


def end(account: CalendarAccount) -> None:
    """Delete an account with its calendars and the registrations that name them."""
    with transaction.atomic():
        Calendar.objects.filter(account=account).lock()
        _replan(account)
        account.delete()


def _calendar(account: CalendarAccount, remote: RemoteCalendar) -> Calendar:
    return Calendar(
        owner=account.owner,
        name=(remote.name or remote.remote_id)[:_NAME_LENGTH],
        kind=Calendar.Kind(account.provider),
        account=account,
        remote_id=remote.remote_id,
    )


def _replan(account: CalendarAccount) -> None:
    """Mark registrations for all calendars to be planned again: they lose the events of a removed one."""
    affected = Registration.objects.filter(kind=Registration.Kind.STANDING, calendar=None, source="")
    if account.owner_id is not None:
        affected = affected.filter(member=account.owner_id)
    affected.changed()
