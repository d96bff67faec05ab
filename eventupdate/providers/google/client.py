"""Google's Calendar API for one account: tokens, requests, and what errors mean.

google-api-python-client builds the requests from its bundled discovery document, and ``google.http``
sends them. An access token is refreshed when it has expired, or once after a 401; new tokens are
stored at once.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import googleapiclient
from django.conf import settings
from django.db import transaction
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from common.errors import FeedError, ProviderError
from eventupdate.providers.google.http import ApiHttp, Deadline, TokenRequest
from eventupdate.reading import RefusedError
from registration.models import CalendarAccount

SCOPES: Final = (
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    "https://www.googleapis.com/auth/calendar.events.readonly",
)
"""The smallest scopes: to list an account's calendars, and to read their entries."""
CONNECT_AGAIN: Final = "Google wants you to connect again."
_LIMITS: Final = frozenset({
    "calendarUsageLimitsExceeded", "dailyLimitExceeded", "quotaExceeded", "rateLimitExceeded",
    "userRateLimitExceeded",
})  # fmt: skip
_SCOPE_REASONS: Final = frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"})
# RFC 6749 section 5.2: errors after which the member has to connect again.
_MEMBERS_ERRORS: Final = frozenset({"invalid_grant", "invalid_scope", "unauthorized_client"})
_TIME: Final = "%Y-%m-%dT%H:%M:%S"


class GoneError(FeedError):
    """The sync token is no longer valid: the whole calendar has to be read."""


def is_set_up() -> bool:
    """Say whether an OAuth client is configured."""
    return bool(settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET)


def stored(credentials: Credentials) -> str:
    """Return tokens in the form of ``CalendarAccount.credentials``; the client's secret is a setting."""
    expiry = credentials.expiry
    return json.dumps(
        {
            "token": credentials.token,
            "refresh_token": credentials.refresh_token,
            "expiry": expiry.strftime(_TIME) if expiry else None,
        }
    )


def _kept(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Client:
    """Sends requests for an account, until a deadline."""

    def __init__(self, account: CalendarAccount, deadline: Deadline) -> None:
        """Use the account's tokens. Raises ``RefusedError`` without them, ``FeedError`` without an OAuth client."""
        if not is_set_up():
            msg = "Google Calendar is not set up on this server. Ask an administrator."
            raise FeedError(msg)
        self._account = account
        self._http = ApiHttp(deadline)
        self._token_request = TokenRequest(deadline)
        kept = _kept(account.credentials)
        if not kept.get("refresh_token"):
            raise RefusedError(CONNECT_AGAIN)
        self._credentials = _credentials(kept)

    def list_events(self, remote_id: str, **parameters: Any) -> dict[str, Any]:
        """Return a page of a calendar's events. Raises ``GoneError``, ``RefusedError`` or ``FeedError``."""
        service = _service(settings.GOOGLE_API_URL)
        return self._ask(service.events().list(calendarId=remote_id, **parameters))

    def list_calendars(self, **parameters: Any) -> dict[str, Any]:
        """Return a page of the account's calendars. Raises ``RefusedError`` or ``FeedError``."""
        return self._ask(_service(settings.GOOGLE_API_URL).calendarList().list(**parameters))

    def _ask(self, request: Any) -> dict[str, Any]:
        if not self._credentials.valid:
            self._refresh()
        try:
            try:
                return self._execute(request)
            except HttpError as error:
                if error.status_code != HTTPStatus.UNAUTHORIZED:
                    raise
            self._refresh()
            return self._execute(request)
        except HttpError as error:
            raise fault_of(error) from error
        except ProviderError as error:
            msg = f"Google can't be reached: {error}."
            raise FeedError(msg) from error
        except (ValueError, TypeError) as error:
            msg = "Google's response can't be read."
            raise FeedError(msg) from error

    def _execute(self, request: Any) -> dict[str, Any]:
        request.headers["authorization"] = f"Bearer {self._credentials.token}"
        found = request.execute(http=self._http)
        if not isinstance(found, dict):
            msg = "not an object"
            raise TypeError(msg)
        return found

    def _refresh(self) -> None:
        used = self._credentials.refresh_token
        try:
            self._credentials.refresh(self._token_request)  # type: ignore[no-untyped-call]
        except RefreshError as error:
            raise self._refusal(error) from error
        except (GoogleAuthError, ProviderError, ValueError, TypeError) as error:
            msg = f"Google's token server can't be reached: {error}."
            raise FeedError(msg) from error
        _store(self._account, used, stored(self._credentials))

    def _refusal(self, error: RefreshError) -> FeedError:
        details = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], Mapping) else {}
        code = details.get("error", "")
        if code not in _MEMBERS_ERRORS:
            said = "the OAuth client is wrong" if code in {"invalid_client", "deleted_client"} else code
            return FeedError(f"Google issues no token ({said or 'no reason given'}).")
        now_stored = CalendarAccount.objects.filter(pk=self._account.pk).values_list("credentials", flat=True)
        if self._account.credentials not in now_stored:
            # The member has connected again in the meantime; the next reading uses those tokens.
            return FeedError("The account was connected again while it was read.")
        return RefusedError(CONNECT_AGAIN)


def _credentials(kept: Mapping[str, Any]) -> Credentials:
    credentials = Credentials(  # type: ignore[no-untyped-call]
        kept.get("token"),
        refresh_token=kept["refresh_token"],
        token_uri=settings.GOOGLE_TOKEN_URL,
        client_id=settings.GOOGLE_CLIENT_ID,
        client_secret=settings.GOOGLE_CLIENT_SECRET,
    )
    # google-auth expects a naive instant in UTC.
    expiry = kept.get("expiry") or "2000-01-01T00:00:00"
    credentials.expiry = datetime.strptime(expiry, _TIME)  # noqa: DTZ007
    return credentials


def _store(account: CalendarAccount, used: str, text: str) -> None:
    """Store new tokens, unless the member has connected again in the meantime."""
    with transaction.atomic():
        row = CalendarAccount.objects.select_for_update().filter(pk=account.pk).first()
        if row is not None and _kept(row.credentials).get("refresh_token") == used:
            row.credentials = text
            row.save(update_fields=["credentials"])
            account.credentials = text


def fault_of(error: HttpError) -> FeedError:
    """Return the error for an error response of the API."""
    reasons = _reasons(error.content)
    status = int(error.status_code)
    if status == HTTPStatus.GONE or (status == HTTPStatus.BAD_REQUEST and "syncToken" in reasons):
        return GoneError("Google requires the whole calendar to be read again.")
    if status == HTTPStatus.FORBIDDEN and reasons & _SCOPE_REASONS:
        return RefusedError(f"{CONNECT_AGAIN} It was not allowed to read this calendar.")
    return FeedError(_sentence(status, reasons))


def _sentence(status: int, reasons: set[str]) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and reasons & _LIMITS):
        return "Google asks for fewer requests."
    if status == HTTPStatus.FORBIDDEN and "accessNotConfigured" in reasons:
        return "The Calendar API is not enabled in the Google project of this server."
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return "The account may not read this calendar any more, or the calendar was removed."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"Google has an error (status {status})."
    return f"Google answered with status {status} instead of a calendar."


def _reasons(content: bytes) -> set[str]:
    """Return the reasons and the parameters that an error response names."""
    try:
        error = json.loads(content)["error"]
        details = [*error.get("errors", ()), *error.get("details", ())]
        return {str(detail.get(key)) for detail in details for key in ("reason", "location")}
    except (ValueError, TypeError, KeyError, AttributeError):
        return set()


@lru_cache(maxsize=4)
def _service(api_url: str) -> Any:
    """Return the builder of requests, made from the library's bundled discovery document."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    document = json.loads((folder / "calendar.v3.json").read_text())
    # Each request is executed with its own http object; this one is not used.
    return build_from_document(
        document, http=object(), client_options={"api_endpoint": f"{api_url}/{document['servicePath']}"}
    )
