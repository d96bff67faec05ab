"""A member's browser on the way to Google and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.test import Client

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
    return client.get(
        urlsplit(back).path, parse_qs(urlsplit(back).query, keep_blank_values=True), follow=True
    )
