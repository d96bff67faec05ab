"""Google accounts: listing their calendars, and revoking their tokens."""

import json
from typing import Any, Final

from django.conf import settings

from common.errors import FeedError, ProviderError
from eventupdate.providers.google.client import Client
from eventupdate.providers.google.http import Deadline, revoke
from eventupdate.reading import RemoteCalendar
from registration.models import CalendarAccount

LISTING_SECONDS: Final = 20.0
"""A member waits for the list."""
PAGE_SIZE: Final = 250
MAX_PAGES: Final = 20
_FIELDS: Final = "nextPageToken,items(id,summary,summaryOverride,timeZone,primary)"


def list_calendars(account: CalendarAccount) -> list[RemoteCalendar]:
    """Return the calendars whose entries the account may read, its main one first.

    Calendars that show only "busy" are left out, as their entries have no titles. Raises
    ``RefusedError`` if the member has to connect again, and ``FeedError`` if the list can't be read.
    """
    client = Client(account, Deadline(LISTING_SECONDS))
    found: list[RemoteCalendar] = []
    parameters: dict[str, Any] = {"maxResults": PAGE_SIZE, "minAccessRole": "reader", "fields": _FIELDS}
    for _ in range(MAX_PAGES):
        page = client.list_calendars(**parameters)
        try:
            found += [_remote(item) for item in page.get("items") or ()]
        except (KeyError, TypeError, AttributeError) as error:
            msg = "Google's list of calendars can't be read."
            raise FeedError(msg) from error
        if not page.get("nextPageToken"):
            break
        parameters["pageToken"] = page["nextPageToken"]
    return sorted(found, key=lambda one: (not one.is_primary, one.name.casefold()))


def disconnect(account: CalendarAccount) -> None:
    """Revoke the account's token; errors are ignored.

    Google revokes all tokens of a person for this application. So nothing is revoked if the same Google
    account is connected a second time (for all members, for example).
    """
    twins = CalendarAccount.objects.filter(provider=account.provider, name=account.name).exclude(
        pk=account.pk
    )
    try:
        token = json.loads(account.credentials).get("refresh_token")
    except (ValueError, AttributeError):
        return
    if not token or twins.exists():
        return
    try:
        revoke(settings.GOOGLE_REVOKE_URL, token)
    except ProviderError:
        return


def _remote(item: dict[str, Any]) -> RemoteCalendar:
    name = item.get("summaryOverride") or item.get("summary") or item["id"]
    return RemoteCalendar(
        str(item["id"]), str(name), str(item.get("timeZone") or ""), is_primary=bool(item.get("primary"))
    )
