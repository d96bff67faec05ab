"""Accounts with providers: listing their calendars, and disconnecting them.

Each provider's package has a module ``accounts`` (an ``AccountProvider``), which is loaded when it is
first needed, as Google's libraries load slowly.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from eventupdate.reading import AccountProvider, RemoteCalendar
from registration.models import CalendarAccount

_MODULES: Final[Mapping[str, str]] = {
    CalendarAccount.Provider.GOOGLE: "eventupdate.providers.google.accounts",
    CalendarAccount.Provider.CALDAV: "eventupdate.providers.caldav.accounts",
}


def list_calendars(account: CalendarAccount) -> list[RemoteCalendar]:
    """Return the calendars in the provider's list for an account. Raises ``FeedError``."""
    return _provider(account).list_calendars(account)


def disconnect(account: CalendarAccount) -> None:
    """Tell the account's provider that the connection ends; errors are ignored."""
    _provider(account).disconnect(account)


def _provider(account: CalendarAccount) -> AccountProvider:
    return cast("AccountProvider", import_module(_MODULES[account.provider]))
