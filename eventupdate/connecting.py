"""Connecting and disconnecting accounts and listing their calendars: jobs, as they wait for a provider's server."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

from common.clock import now
from common.errors import FeedError, InputError
from common.texts import isolated
from eventupdate.choosing import end
from eventupdate.providers.accounts import disconnect, list_calendars
from eventupdate.providers.caldav.accounts import credentials_of, sign_in
from eventupdate.providers.caldav.client import Account
from eventupdate.providers.caldav.discovery import discover
from eventupdate.reading import RefusedError, RemoteCalendar
from registration.access import accounts_for
from registration.jobs import Result, work
from registration.models import CalendarAccount, Member

CONNECT: Final = "caldav-connect"
"""Given ``url``, ``user_name``, ``password``, ``is_for_everybody`` and ``account``, the key of one that is connected
again. The result has ``account``, its key, and ``calendars``; or ``problem``, ``field``, ``url`` and ``user_name``."""
LIST: Final = "account-list"
"""Given ``account``, a key. The result has it, and ``calendars``, or ``problem`` and ``is_refused``."""
EXCHANGE: Final = "google-connect"
"""Given what Google sent back: ``callback_url``, ``code``, ``verifier``, ``is_for_everybody`` and ``account``, the key
of one that is connected again. The result has ``account``, a key, ``is_again`` and ``calendars``."""
DISCONNECT: Final = "account-disconnect"
"""Given ``account``, a key. The result has ``name``."""
_NAME_LENGTH: Final = 200


def calendars_in(result: Result) -> list[RemoteCalendar]:
    """Return the calendars of a result."""
    return [RemoteCalendar(**one) for one in result["calendars"]]


def stored_user_name(account: CalendarAccount) -> str:
    """Return the user name of a CalDAV account, "" where it has none."""
    try:
        return sign_in(account).user_name
    except FeedError:
        return ""


@work(CONNECT)
def _connect(member: Member, given: Mapping[str, Any]) -> Result:
    """Sign in, look for calendars, and store the account, or new credentials for an existing one."""
    typed = Account(given["url"], given["user_name"], given["password"])
    try:
        found = discover(typed)
        if not found:
            raise FeedError("The sign-in is right, but this user has no calendar there.", field="url")
        account = _stored(None if given["is_for_everybody"] else member, typed, given["account"])
    except InputError as error:
        shown = {"url": typed.url, "user_name": typed.user_name}
        return {"problem": error.message, "field": error.field, **shown}
    # Calendars that were refused are read at once with the new password.
    account.calendars.filter(is_active=True).update(next_sync_at=now())
    return {"account": account.pk, "calendars": _plain(found)}


@work(LIST)
def _list(_member: Member, given: Mapping[str, Any]) -> Result:
    account = CalendarAccount.objects.filter(pk=given["account"]).first()
    if account is None:
        raise InputError("This account is no longer connected.")
    try:
        return {"account": account.pk, "calendars": _plain(list_calendars(account))}
    except FeedError as error:
        return {
            "account": account.pk,
            "problem": error.message,
            "is_refused": isinstance(error, RefusedError),
        }


@work(EXCHANGE)
def _exchange(member: Member, given: Mapping[str, Any]) -> Result:
    from eventupdate.providers.google.flow import exchange_code, keep  # noqa: PLC0415 - it loads slowly

    found = exchange_code(given["callback_url"], given["code"], given["verifier"])
    again = accounts_for(member.user).filter(pk=given["account"]).first()
    if given["account"] is not None and (again is None or again.name != found.name):
        wanted = f"“{again}” has to be connected again" if again else "that account is gone"
        raise InputError(f"You chose “{isolated(found.name)}”, but {wanted}. Nothing was changed.")
    account = keep(found, again.owner if again else None if given["is_for_everybody"] else member)
    return {
        "account": account.pk,
        "is_again": again is not None,
        "calendars": [] if again else _plain(list_calendars(account)),
    }


@work(DISCONNECT)
def _disconnect(_member: Member, given: Mapping[str, Any]) -> Result:
    account = CalendarAccount.objects.filter(pk=given["account"]).first()
    if account is None:
        raise InputError("This account is no longer connected.")
    disconnect(account)
    end(account)
    return {"name": str(account)}


def _plain(found: Sequence[RemoteCalendar]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def _stored(owner: Member | None, typed: Account, again: int | None) -> CalendarAccount:
    accounts = CalendarAccount.objects.filter(provider=CalendarAccount.Provider.CALDAV)
    if again is not None:
        account = accounts.filter(pk=again).first()
        if account is None:
            raise InputError("This account is no longer connected.")
    else:
        account = _known(owner, typed) or CalendarAccount(
            owner=owner, provider=CalendarAccount.Provider.CALDAV, url=typed.url
        )
    account.name = f"{typed.user_name} at {urlsplit(typed.url).hostname}"[:_NAME_LENGTH]
    account.credentials = credentials_of(typed.user_name, typed.password)
    account.refused_at = None
    account.save()
    return account


def _known(owner: Member | None, typed: Account) -> CalendarAccount | None:
    """Return the owner's account with this server and user, so that none is connected twice."""
    accounts = CalendarAccount.objects.filter(
        owner=owner, provider=CalendarAccount.Provider.CALDAV, url=typed.url
    )
    return next((account for account in accounts if stored_user_name(account) == typed.user_name), None)
