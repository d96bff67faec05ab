"""Accounts with CalDAV servers: who signs in, and which calendars there are (an ``AccountProvider``)."""

import json

from common.errors import FeedError
from eventupdate.providers.caldav.client import Account
from eventupdate.providers.caldav.discovery import discover
from eventupdate.reading import RefusedError, RemoteCalendar
from registration.models import CalendarAccount


def sign_in(account: CalendarAccount) -> Account:
    """Return where an account's server is, and its user name and password.

    Raises ``RefusedError`` for an account that has none.
    """
    try:
        stored = json.loads(account.credentials)
        return Account(account.url, stored["user_name"], stored["password"])
    except (ValueError, KeyError, TypeError):
        msg = "The user name and the password of this account are missing."
        raise RefusedError(msg) from None


def credentials_of(user_name: str, password: str) -> str:
    """Return what an account stores of a sign-in."""
    return json.dumps({"user_name": user_name, "password": password})


def list_calendars(account: CalendarAccount) -> list[RemoteCalendar]:
    """Return the calendars that the account may read. Raises ``FeedError``."""
    found = discover(sign_in(account))
    if not found:
        msg = "This user has no calendar on the server."
        raise FeedError(msg)
    return found


def disconnect(account: CalendarAccount) -> None:
    """Do nothing: a CalDAV server knows of no connection."""
