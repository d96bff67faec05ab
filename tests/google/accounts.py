"""People at Google, their consents and their tokens (RFC 6749, RFC 7636, RFC 7009)."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.google.calendars import GoogleCalendar
from tests.google.discovery import document
from tests.google.refusals import Refusal, oauth_refusal, unauthorised

Json = dict[str, Any]
TOKEN_SECONDS = 3599
CODE_SECONDS = 600


@dataclass
class Person:
    """A person with a Google account."""

    address: str
    calendars: list[GoogleCalendar] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    """By calendar; "owner" where there is none."""
    consents_to: set[str] | None = None
    """The scopes to which the person consents; None is all, an empty set denies."""
    has_granted_before: set[str] = field(default_factory=set)
    """Scopes that come with a new consent, as an older one to the same client included them."""

    def role(self, calendar: GoogleCalendar) -> str:
        """What the person may do with a calendar."""
        return self.roles.get(calendar.id, "owner")


@dataclass
class Grant:
    """That a person lets the client do something."""

    person: Person
    scopes: set[str]
    expires_at: datetime
    challenge: str = ""
    redirect_url: str = ""
    is_offline: bool = False


class OAuthServer:
    """Asks for consents, and gives out tokens. It knows one client."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_urls: set[str] = set()
        self.rotates = False
        """Whether a refresh brings a new refresh token, and the old one is no longer good."""
        self.visitor: Person | None = None
        """The person at the browser."""
        self.hints: list[str] = []
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def ask(self, query: Mapping[str, str]) -> str:
        """Show the consent page to the visitor, who answers; return where the browser is sent."""
        assert self.visitor is not None
        self._check_question(query)
        back = {"state": query["state"]} if "state" in query else {}
        self.hints.append(query.get("login_hint", ""))
        asked = set(query["scope"].split())
        ticked = asked if self.visitor.consents_to is None else asked & self.visitor.consents_to
        if not ticked:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied'} | back)}"
        code = f"4/{secrets.token_urlsafe(30)}"
        self._codes[code] = Grant(
            self.visitor,
            ticked | self.visitor.has_granted_before,
            _in(CODE_SECONDS),
            query.get("code_challenge", ""),
            query["redirect_uri"],
            query.get("access_type") == "offline" and query.get("prompt") == "consent",
        )
        answer = back | {"code": code, "scope": " ".join(sorted(ticked))}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def _check_question(self, query: Mapping[str, str]) -> None:
        if query.get("client_id") != self.client_id:
            raise oauth_refusal(401, "invalid_client", "The OAuth client was not found.")
        if query.get("redirect_uri") not in self.redirect_urls:
            raise oauth_refusal(400, "redirect_uri_mismatch")
        if query.get("response_type") != "code":
            raise oauth_refusal(400, "unsupported_response_type")
        known = document()["auth"]["oauth2"]["scopes"].keys()
        if not query.get("scope") or not set(query["scope"].split()) <= known:
            raise oauth_refusal(400, "invalid_scope")
        if query.get("code_challenge_method", "S256") != "S256":
            raise oauth_refusal(400, "invalid_request", "Only S256 is played here.")

    def token(self, form: Mapping[str, str], authorization: str) -> Json:
        """Answer the token endpoint."""
        given = (form.get("client_id"), form.get("client_secret"))
        if authorization.startswith("Basic "):
            name, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
            given = (name, password)
        if given != (self.client_id, self.client_secret):
            raise oauth_refusal(401, "invalid_client", "The provided client secret is invalid.")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form)
            case "refresh_token":
                return self._renew(form)
            case _:
                raise oauth_refusal(400, "unsupported_grant_type", "Invalid grant_type.")

    def _exchange(self, form: Mapping[str, str]) -> Json:
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.expires_at < datetime.now(UTC):
            raise oauth_refusal(400, "invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != grant.redirect_url:
            raise oauth_refusal(400, "redirect_uri_mismatch", "Bad Request")
        if grant.challenge and _challenge(form.get("code_verifier", "")) != grant.challenge:
            raise oauth_refusal(400, "invalid_grant", "Invalid code verifier.")
        answer = self._access_token(grant)
        if grant.is_offline:
            answer["refresh_token"] = self._refresh_token(grant)
        return answer

    def _renew(self, form: Mapping[str, str]) -> Json:
        used = form.get("refresh_token", "")
        grant = self._refresh.get(used)
        if grant is None:
            raise oauth_refusal(400, "invalid_grant", "Token has been expired or revoked.")
        if not set(form.get("scope", "").split()) <= grant.scopes:
            raise oauth_refusal(400, "invalid_scope", "Some requested scopes were invalid.")
        answer = self._access_token(grant)
        if self.rotates:
            del self._refresh[used]
            answer["refresh_token"] = self._refresh_token(grant)
        return answer

    def _access_token(self, grant: Grant) -> Json:
        token = f"ya29.{secrets.token_urlsafe(40)}"
        self._access[token] = Grant(grant.person, grant.scopes, _in(TOKEN_SECONDS))
        scope = " ".join(sorted(grant.scopes))
        return {"access_token": token, "expires_in": TOKEN_SECONDS, "scope": scope, "token_type": "Bearer"}

    def _refresh_token(self, grant: Grant) -> str:
        token = f"1//{secrets.token_urlsafe(40)}"
        self._refresh[token] = grant
        return token

    def grant_of(self, authorization: str) -> Grant:
        """Return the grant of a bearer token. Raises ``Refusal`` for a token that is no longer valid."""
        grant = self._access.get(authorization.removeprefix("Bearer "))
        if not authorization.startswith("Bearer ") or grant is None or grant.expires_at < datetime.now(UTC):
            raise unauthorised()
        return grant

    def revoke(self, token: str) -> None:
        """Revoke, by one token, everything that its person granted the client."""
        grant = self._refresh.get(token) or self._access.get(token)
        if grant is None:
            raise oauth_refusal(400, "invalid_token", "Token expired or revoked")
        self.withdraw(grant.person)

    def withdraw(self, person: Person) -> None:
        """Let a person remove the client from the account."""
        for tokens in (self._access, self._refresh):
            for token in [token for token, grant in tokens.items() if grant.person is person]:
                del tokens[token]

    def expire_access(self) -> None:
        """Expire all access tokens early, as a change of password does."""
        self._access.clear()

    def narrow(self, person: Person, scopes: set[str]) -> None:
        """Leave a person's tokens with fewer permissions."""
        for grant in (*self._access.values(), *self._refresh.values()):
            if grant.person is person:
                grant.scopes = scopes

    def has_granted(self, person: Person) -> bool:
        """Whether there is a lasting permission of a person."""
        return any(grant.person is person for grant in self._refresh.values())

    def refresh_token_for(self, person: Person, scopes: set[str]) -> str:
        """Return a lasting permission, as the consent page would have brought it."""
        return self._refresh_token(Grant(person, scopes, _in(0)))


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


__all__ = ["Grant", "OAuthServer", "Person", "Refusal"]
