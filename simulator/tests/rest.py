"""A client of the simulated REST API as small as can be, for the simulator's own tests."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.simulated_twilio import SimulatedTwilio
from tests.webhook_site import WebhookSite

TO = "+4915112345678"
FROM = "+15005550006"
EVENTS = ["initiated", "ringing", "answered", "completed"]
SAY_HELLO = "<Response><Say>Hello.</Say></Response>"

Parameters = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


def ask(
    provider: SimulatedTwilio,
    method: str,
    path: str,
    parameters: Parameters | None = None,
    *,
    token: str | None = None,
    timeout: float = 20.0,
) -> Reply:
    secret = f"{provider.account_sid}:{provider.auth_token if token is None else token}"
    headers = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    encoded = urlencode(parameters or {}, doseq=True)
    url = f"{provider.url}/2010-04-01/Accounts/{provider.account_sid}/{path}"
    if method == "GET" and encoded:
        url += f"?{encoded}"
    body = encoded.encode() if method == "POST" else None
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            return Reply(response.status, json.loads(response.read()), dict(response.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, json.loads(error.read()), dict(error.headers))


def call(provider: SimulatedTwilio, **parameters: Any) -> Any:
    """Create a call; return its resource."""
    whole = {"To": TO, "From": FROM, **parameters}
    if "Url" not in whole:
        whole.setdefault("Twiml", SAY_HELLO)
    reply = ask(provider, "POST", "Calls.json", whole)
    assert reply.status == 201, reply.body
    return reply.body


def text(provider: SimulatedTwilio, **parameters: Any) -> Any:
    """Create a message; return its resource."""
    reply = ask(provider, "POST", "Messages.json", {"To": TO, "From": FROM, "Body": "Hello", **parameters})
    assert reply.status == 201, reply.body
    return reply.body


def statuses(site: WebhookSite) -> list[str]:
    """Return the states of a call that were told to /status, in the order in which they came."""
    return [arrival.parameters["CallStatus"] for arrival in site.at("/status")]
