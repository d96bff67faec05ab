"""A member's browser on the way to Google and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.test import Client

from registration.membership import member_of
from registration.models import Member
from registration.tests.factories import UserFactory
from tests.google import StandIn

LIST = "/calendars/"
CONNECT = "/calendars/google/connect"
CALLBACK = "/calendars/google/callback"


def signed_in(member: Member | None = None, *, is_staff: bool = False) -> Client:
    """Return a browser in which a member has signed in; a new one where none is given."""
    client = Client()
    client.force_login((member or member_of(UserFactory.create(is_staff=is_staff))).user)
    return client


def at_google(google: StandIn, url: str) -> str:
    """Open Google's page and answer it; return where the browser is sent."""
    answer = requests.get(url, verify=str(google.ca_file), allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def connect(client: Client, google: StandIn, address: str = CONNECT) -> Any:
    """Connect an account: there and back. Return the page that follows."""
    back = at_google(google, client.get(address)["Location"])
    return client.get(
        urlsplit(back).path, parse_qs(urlsplit(back).query, keep_blank_values=True), follow=True
    )
