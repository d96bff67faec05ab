"""How a member lets this product read a Google calendar: OAuth 2.0 with PKCE (RFC 6749, RFC 7636).

google-auth-oauthlib makes the address of the consent page and exchanges the code that comes back.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error

from common.clock import now
from common.errors import FeedError, ProviderError
from eventupdate.providers.google.accounts import list_calendars
from eventupdate.providers.google.client import SCOPES, stored
from eventupdate.providers.google.http import SessionAdapter
from registration.models import Calendar, CalendarAccount, Member

_TRY_AGAIN: Final = "Nothing was changed; try again."


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent that is being asked for."""

    url: str
    """Where the member is sent."""
    state: str
    verifier: str
    """The secret that proves, with the code, that it is we who asked (PKCE)."""


def ask_consent(redirect_url: str, login_hint: str = "") -> Consent:
    """Return where to send the member, and what to keep until the member is sent back."""
    flow = _flow(redirect_url)
    hint = {"login_hint": login_hint} if login_hint else {}
    # Only with a consent that is given anew does Google give a refresh token for certain.
    url, state = flow.authorization_url(access_type="offline", prompt="consent", **hint)
    return Consent(url, state, flow.code_verifier)


def exchange_code(redirect_url: str, code: str, verifier: str) -> CalendarAccount:
    """Return the account that a code is for, not stored yet. Raises ``FeedError`` with a sentence."""
    flow = _flow(redirect_url, verifier)
    granted = " ".join(SCOPES)
    try:
        flow.fetch_token(code=code)
    except Warning as warning:
        # oauthlib's way to say that other scopes were granted than asked for: members may untick one.
        granted = " ".join(getattr(warning, "new_scope", ()))
        flow.oauth2session.token = getattr(warning, "token", {})
    except OAuth2Error as error:
        msg = f"Google did not take the answer ({error.error or 'no reason given'}): it may be too old. {_TRY_AGAIN}"
        raise FeedError(msg) from error
    except (ProviderError, ValueError) as error:
        msg = f"Google could not be asked: {error}. {_TRY_AGAIN}"
        raise FeedError(msg) from error
    if not set(SCOPES) <= set(granted.split()):
        msg = "Both permissions are needed: to see the list of your calendars, and to read their entries."
        raise FeedError(f"{msg} {_TRY_AGAIN}")
    if not flow.oauth2session.token.get("refresh_token"):
        msg = (
            "Google gave a permission for an hour only. Remove it in your Google account, and connect again."
        )
        raise FeedError(msg)
    return _named(
        CalendarAccount(provider=CalendarAccount.Provider.GOOGLE, credentials=stored(flow.credentials))
    )


def keep(found: CalendarAccount, owner: Member | None) -> CalendarAccount:
    """Store a connected account; one that is known goes on, with its calendars and their events."""
    known = CalendarAccount.objects.filter(provider=found.provider, name=found.name, owner=owner).first()
    if known is None:
        found.owner = owner
        found.save()
        return found
    known.credentials, known.refused_at = found.credentials, None
    known.save(update_fields=["credentials", "refused_at"])
    # What was refused so far is read at once with the new tokens.
    Calendar.objects.active().filter(account=known).update(next_sync_at=now(), failures=0, problem="")
    return known


def _named(account: CalendarAccount) -> CalendarAccount:
    """Give the account its name: its main calendar is called by the owner's mail address."""
    primary = next((one for one in list_calendars(account) if one.is_primary), None)
    if primary is None:
        msg = "This Google account has no calendar of its own."
        raise FeedError(f"{msg} {_TRY_AGAIN}")
    account.name = primary.remote_id[:200]
    return account


def _flow(redirect_url: str, verifier: str = "") -> Any:
    client = {
        "client_id": settings.GOOGLE_CLIENT_ID,
        "client_secret": settings.GOOGLE_CLIENT_SECRET,
        "auth_uri": settings.GOOGLE_AUTH_URL,
        "token_uri": settings.GOOGLE_TOKEN_URL,
    }
    flow = Flow.from_client_config(
        {"web": client}, scopes=list(SCOPES), redirect_uri=redirect_url, code_verifier=verifier or None
    )
    flow.oauth2session.trust_env = False
    for scheme in ("https://", "http://"):
        flow.oauth2session.mount(scheme, SessionAdapter())
    return flow
