"""A member's browser on the way to Google and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.test import Client

from registration.models import CalendarAccount
from registration.tests.pages import settled
from tests.google import StandIn

LIST = "/calendars/"
CONNECT = "/calendars/google/connect"
CALLBACK = "/calendars/google/callback"


def at_google(google: StandIn, url: str) -> str:
    """Open Google's page and answer it; return where the browser is sent."""
    answer = requests.get(url, verify=str(google.ca_file), allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def connect(client: Client, google: StandIn, address: str = CONNECT) -> Any:
    """Connect an account: there and back. Return the page that follows."""
    back = at_google(google, client.get(address)["Location"])
    query = parse_qs(urlsplit(back).query, keep_blank_values=True)
    return settled(client, client.get(urlsplit(back).path, query, follow=True))


def choice_of(client: Client, account: CalendarAccount) -> str:
    """Return the address of the page that offers the account's calendars, once they are listed."""
    answer = settled(client, client.post(f"/calendars/accounts/{account.pk}/"))
    return str(answer.wsgi_request.get_full_path())
