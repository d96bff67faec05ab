"""Accounts with providers: which calendars each holds, and how its connection ends.

Each provider of accounts has a module with the functions of ``AccountProvider``; it is loaded when
it is first needed, as Google's libraries take their time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol, cast

from registration.models import CalendarAccount

_MODULES: Final[Mapping[str, str]] = {
    CalendarAccount.Provider.GOOGLE: "eventupdate.providers.google_accounts",
    CalendarAccount.Provider.CALDAV: "eventupdate.providers.caldav_accounts",
}


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """A calendar as its account's provider lists it."""

    remote_id: str
    """What the provider calls it: an id, or an address."""
    name: str
    time_zone: str = ""
    """"" where the provider does not say."""
    is_primary: bool = False


class AccountProvider(Protocol):
    """What a module of a provider offers."""

    def list_calendars(self, account: CalendarAccount) -> list[RemoteCalendar]:
        """Return the calendars that the account may read; its first one first.

        Raises ``RefusedError`` where the member has to connect again, ``FeedError`` where no list
        was to be had.
        """
        ...

    def disconnect(self, account: CalendarAccount) -> None:
        """Tell the provider that the connection ends, as far as there is anything to tell.

        Never raises: what the provider says does not keep the account.
        """
        ...


def list_calendars(account: CalendarAccount) -> list[RemoteCalendar]:
    """Return the calendars of an account, as its provider lists them. Raises ``FeedError``."""
    return _provider(account).list_calendars(account)


def disconnect(account: CalendarAccount) -> None:
    """Tell the account's provider that the connection ends, best effort."""
    _provider(account).disconnect(account)


def _provider(account: CalendarAccount) -> AccountProvider:
    return cast("AccountProvider", import_module(_MODULES[account.provider]))
