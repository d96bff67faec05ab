"""Accounts with CalDAV servers: their credentials and calendars (an ``AccountProvider``)."""

import json

from common.errors import FeedError
from eventupdate.providers.caldav.client import Account
from eventupdate.providers.caldav.discovery import discover
from eventupdate.reading import RefusedError, RemoteCalendar
from registration.models import CalendarAccount


def sign_in(account: CalendarAccount) -> Account:
    """Return the server, user name and password of an account.

    Raises ``RefusedError`` for an account without a password.
    """
    try:
        stored = json.loads(account.credentials)
        return Account(account.url, stored["user_name"], stored["password"])
    except (ValueError, KeyError, TypeError):
        msg = "The user name and the password of this account are missing."
        raise RefusedError(msg) from None


def credentials_of(user_name: str, password: str) -> str:
    """Return a user name and password in the form that accounts store."""
    return json.dumps({"user_name": user_name, "password": password})


def list_calendars(account: CalendarAccount) -> list[RemoteCalendar]:
    """Return the calendars that the account may read. Raises ``FeedError``."""
    found = discover(sign_in(account))
    if not found:
        msg = "This user has no calendar on the server."
        raise FeedError(msg)
    return found


def disconnect(account: CalendarAccount) -> None:
    """Do nothing: CalDAV has no connections that could end."""
