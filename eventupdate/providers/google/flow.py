"""The OAuth 2.0 flow with PKCE (RFC 6749, RFC 7636) by which a member connects a Google account.

google-auth-oauthlib builds the URL of the consent page and exchanges the code.
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
    """A request for consent."""

    url: str
    """The consent page."""
    state: str
    verifier: str
    """The code verifier of PKCE."""


def ask_consent(redirect_url: str, login_hint: str = "") -> Consent:
    """Return the URL of the consent page, with the secrets to keep until the callback."""
    flow = _flow(redirect_url)
    hint = {"login_hint": login_hint} if login_hint else {}
    # Google issues a refresh token reliably only with prompt=consent.
    url, state = flow.authorization_url(access_type="offline", prompt="consent", **hint)
    return Consent(url, state, flow.code_verifier)


def exchange_code(redirect_url: str, code: str, verifier: str) -> CalendarAccount:
    """Return the account for a code, not saved yet. Raises ``FeedError`` with a sentence to show."""
    flow = _flow(redirect_url, verifier)
    granted = " ".join(SCOPES)
    try:
        flow.fetch_token(code=code)
    except Warning as warning:
        # oauthlib raises a warning if other scopes were granted, as when a member unticks one.
        granted = " ".join(getattr(warning, "new_scope", ()))
        flow.oauth2session.token = getattr(warning, "token", {})
    except OAuth2Error as error:
        msg = (
            f"Google rejected the code ({error.error or 'no reason given'}): it may be too old. {_TRY_AGAIN}"
        )
        raise FeedError(msg) from error
    except (ProviderError, ValueError) as error:
        msg = f"Google can't be reached: {error}. {_TRY_AGAIN}"
        raise FeedError(msg) from error
    if not set(SCOPES) <= set(granted.split()):
        msg = "Both permissions are needed: to see the list of your calendars, and to read their entries."
        raise FeedError(f"{msg} {_TRY_AGAIN}")
    if not flow.oauth2session.token.get("refresh_token"):
        msg = "Google gave access for an hour only. Remove the access in your Google account, and connect again."
        raise FeedError(msg)
    return _named(
        CalendarAccount(provider=CalendarAccount.Provider.GOOGLE, credentials=stored(flow.credentials))
    )


def keep(found: CalendarAccount, owner: Member | None) -> CalendarAccount:
    """Store a connected account; a known account gets the new tokens and keeps its calendars."""
    known = CalendarAccount.objects.filter(provider=found.provider, name=found.name, owner=owner).first()
    if known is None:
        found.owner = owner
        found.save()
        return found
    known.credentials, known.refused_at = found.credentials, None
    known.save(update_fields=["credentials", "refused_at"])
    # Calendars that were refused are read at once with the new tokens.
    Calendar.objects.active().filter(account=known).update(next_sync_at=now(), failures=0, problem="")
    return known


def _named(account: CalendarAccount) -> CalendarAccount:
    """Name the account by its main calendar, whose id is the owner's mail address."""
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
