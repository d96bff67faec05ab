"""What a client may ask of the REST API: reading and refusing parameters as Twilio does."""

import math
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from simulator.provider.calls import EVENTS
from simulator.provider.errors import invalid
from simulator.provider.records import CallOptions, Webhook

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164."""
SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_SENDER: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}|[0-9]{3,8}")
"""An alphanumeric sender or a short code."""
_SERVICE: Final = re.compile(r"MG[0-9a-f]{32}")
_MAX_TIMEOUT: Final = 600.0
_MAX_TIME_LIMIT: Final = 14_400.0
_MAX_TWIML: Final = 4000
_MAX_BODY: Final = 1600
_METHODS: Final = frozenset({"GET", "POST"})


class Form:
    """The parameters of a request."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Hold them; a name may stand there several times."""
        self.pairs = list(pairs)

    def get(self, name: str) -> str:
        """Return the first value of a name, "" when there is none."""
        return next((value for known, value in self.pairs if known == name), "")

    def getall(self, name: str) -> list[str]:
        """Return all values of a name."""
        return [value for known, value in self.pairs if known == name]


def read_call(form: Form) -> tuple[str, str, CallOptions]:
    """Return To, From and the rest of a request for a call.

    https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
    """
    to, from_ = form.get("To").strip(), form.get("From").strip()
    if not to:
        raise invalid(21201, "No 'To' number is specified")
    if not from_:
        raise invalid(21213, "No 'From' number is specified")
    if not NUMBER.fullmatch(to):
        raise invalid(21211, f"Invalid 'To' Phone Number: {to}")
    if not NUMBER.fullmatch(from_):
        raise invalid(21212, f"Invalid 'From' Phone Number: {from_}")
    return to, from_, _call_options(form)


def read_redirect(form: Form) -> CallOptions | None:
    """Return the new TwiML that an update gives to a call, if any."""
    if not form.get("Url") and not form.get("Twiml"):
        return None
    url, twiml = _content(form)
    return CallOptions(url=url, twiml=twiml, fallback=_webhook(form, "FallbackUrl", "FallbackMethod", 21205))


class Draft(NamedTuple):
    """A message to send."""

    to: str
    from_: str
    """A number, a short code or a name; "" where the Messaging Service chooses."""
    service: str
    body: str
    status_callback: Webhook | None


def read_message(form: Form) -> Draft:
    """Return what a request for a message asks for.

    https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
    """
    to, from_, body = form.get("To").strip(), form.get("From").strip(), form.get("Body")
    service = form.get("MessagingServiceSid")
    if not to:
        raise invalid(21604, "A 'To' phone number is required.")
    if not from_ and not service:
        raise invalid(21603, "A 'From' phone number is required.")
    if service and not _SERVICE.fullmatch(service):
        raise invalid(21705, "The Messaging Service Sid is invalid.")
    if not body:
        raise invalid(21602, "Message body is required.")
    if len(body) > _MAX_BODY:
        raise invalid(21617, f"The concatenated message body exceeds the {_MAX_BODY} character limit")
    if not NUMBER.fullmatch(to):
        raise invalid(21211, f"Invalid 'To' Phone Number: {to}")
    if from_ and not NUMBER.fullmatch(from_) and not _SENDER.fullmatch(from_):
        raise invalid(21212, f"Invalid From Number (caller ID): {from_}")
    if to == from_:
        raise invalid(21266, "'To' and 'From' number cannot be the same")
    if _is_name(from_) and to.startswith("+1"):
        raise invalid(21612, f"Message cannot be sent with the current combination of 'To' ({to}) and 'From'")
    return Draft(to, from_, service, body, _webhook(form, "StatusCallback", "", 21609))


def _is_name(from_: str) -> bool:
    return any(character.isalpha() for character in from_)


def _call_options(form: Form) -> CallOptions:
    url, twiml = _content(form)
    detection = form.get("MachineDetection")
    if detection not in {"", "Enable", "DetectMessageEnd"}:
        raise invalid(21234, f"Invalid MachineDetection: {detection}")
    return CallOptions(
        url=url,
        twiml=twiml,
        fallback=_webhook(form, "FallbackUrl", "FallbackMethod", 21205),
        status_callback=_webhook(form, "StatusCallback", "StatusCallbackMethod", 21609),
        events=_events(form),
        timeout=_seconds(form, "Timeout", 60.0, _MAX_TIMEOUT),
        time_limit=_seconds(form, "TimeLimit", _MAX_TIME_LIMIT, _MAX_TIME_LIMIT),
        machine_detection=detection,
        is_async_amd=form.get("AsyncAmd").lower() == "true",
        amd_callback=_webhook(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", 21262),
    )


def _content(form: Form) -> tuple[Webhook | None, str]:
    url, twiml = form.get("Url"), form.get("Twiml")
    if url and twiml:
        raise invalid(21205, "Url and Twiml may not be given both")
    if not url and not twiml:
        raise invalid(21205, "Url parameter is required.")
    if len(twiml) > _MAX_TWIML:
        raise invalid(21214, f"Twiml is longer than {_MAX_TWIML} characters")
    return _webhook(form, "Url", "Method", 21205), twiml


def _webhook(form: Form, url_name: str, method_name: str, code: int) -> Webhook | None:
    url = form.get(url_name)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise invalid(code, f"{url_name} is not a valid URL: {url}")
    method = (form.get(method_name) or "POST").upper() if method_name else "POST"
    if method not in _METHODS:
        raise invalid(21403, f"{method_name} is GET or POST: {method}")
    return Webhook(url, method)


def _events(form: Form) -> frozenset[str]:
    """Return the events that are reported.

    A name that Twilio does not know (a list in one parameter, say) is accepted with 201, and then
    nothing is reported at all: https://www.twilio.com/docs/api/errors/21626.
    """
    asked = frozenset(form.getall("StatusCallbackEvent"))
    if asked - EVENTS:
        return frozenset()
    return asked or frozenset({"completed"})


def _seconds(form: Form, name: str, default: float, most: float) -> float:
    text = form.get(name)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise invalid(21216, f"{name} is a number of seconds above 0: {text}")
    return min(seconds, most)
