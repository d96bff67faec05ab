"""System checks of what providers need: Twilio's account and senders, countries, the VAPID subject.

They carry the tag ``providers``: the page of the providers shows them too. A sender that can't be used is a warning,
because everything else works without it.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's names
from phonenumbers import SUPPORTED_REGIONS

from eventinvoke.channels.numbers import allowed_countries
from eventinvoke.providers.twilio import senders

Apps = Sequence[AppConfig] | None
PROVIDERS: Final = "providers"
_HOST: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.IGNORECASE
)
"""A name with a top-level domain (RFC 1123 2.1, RFC 5890 2.3.2.1)."""
_MAILBOX: Final = re.compile(r"[^\s<>@,;:\"]+@([^\s<>@,;:\"]+)")
_RESERVED: Final = ("local", "localhost", "internal", "invalid", "test", "example", "lan", "home", "arpa")
"""Top-level domains that name no host of the internet (RFC 2606, 6761, 6762, and what routers give out)."""


@register(PROVIDERS)
def check_twilio(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E007: the account has a token. W008: every sender can be used. W009: calls, and texts, have one."""
    del app_configs
    found: list[CheckMessage] = []
    if not settings.IS_SIMULATED and not settings.TWILIO_AUTH_TOKENS:
        hint = "Set both, or neither: without an account, calls go to the simulated phone."
        found.append(
            Error("TWILIO_ACCOUNT_SID is set, but not TWILIO_AUTH_TOKENS.", hint=hint, id="pfs_notice.E007")
        )
    names = ("TWILIO_FROM_NUMBER", "TWILIO_TEXT_FROM")
    problems = [(name, one) for name in names for one in senders.read(getattr(settings, name)).problems]
    for name, problem in problems:
        hint = "A number is written with its country's code, like +81312345678; docs/operations.md has more."
        found.append(Warning(f"{name}: {problem}", hint=hint, id="pfs_notice.W008"))
    hint = "Set TWILIO_FROM_NUMBER to a number of the account that can call, like +81312345678."
    if senders.for_call("") is None:
        found.append(Warning("No number is set that calls come from.", hint=hint, id="pfs_notice.W009"))
    if not any(senders.read(getattr(settings, name)).all for name in names):
        found.append(Warning("No sender of text messages is set.", hint=hint, id="pfs_notice.W009"))
    return found


@register(PROVIDERS)
def check_countries(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E015: every entry of NOTICE_COUNTRIES is a country. W007: there is one to which calls may go."""
    del app_configs
    unknown = [one for one in settings.NOTICE_COUNTRIES if one.upper() not in SUPPORTED_REGIONS | {"ALL"}]
    if unknown:
        hint = "Write ISO 3166-1 codes, separated by commas, like DE,JP; or ALL."
        message = f"NOTICE_COUNTRIES names {', '.join(unknown)}, which is no country."
        return [Error(message, hint=hint, id="pfs_notice.E015")]
    if allowed_countries() != frozenset() or not (senders.for_call("") or senders.for_text("")):
        return []  # W009 says that there is no sender
    hint = "Set NOTICE_COUNTRIES to the countries of your members, like DE,JP."
    message = "Our senders belong to no country, so no number is called or written to."
    return [Warning(message, hint=hint, id="pfs_notice.W007")]


@register(PROVIDERS, deploy=True)
def check_vapid_subject(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E016: Apple's and Mozilla's push services take VAPID_SUBJECT: one mailbox or page at a public host."""
    del app_configs
    reason = why_refused(settings.VAPID_SUBJECT)
    if not reason:
        return []
    hint = "Set VAPID_SUBJECT to an address that you read, like mailto:you@example.org."
    message = (
        f"VAPID_SUBJECT is {settings.VAPID_SUBJECT!r}: {reason}. Push services refuse it (403 BadJwtToken)."
    )
    return [Error(message, hint=hint, id="pfs_notice.E016")]


def why_refused(subject: str) -> str:
    """Return why push services refuse a ``sub`` (RFC 8292 2.1), or ""."""
    scheme, _, rest = subject.partition(":")
    if scheme == "mailto":
        mailbox = _MAILBOX.fullmatch(unquote(rest.partition("?")[0]))
        return _why_no_host(mailbox[1]) if mailbox else "it is not one plain mail address"
    try:
        host = urlsplit(subject).hostname if scheme == "https" else None
    except ValueError:
        host = None
    if re.search(r"\s", subject) or not host:
        return "it is neither a mail address nor an https address"
    return _why_no_host(host)


def _why_no_host(host: str) -> str:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return "its host is a number instead of a name"
    name = host.rstrip(".").lower()
    try:
        name = name.encode("idna").decode()
    except UnicodeError:
        return "its host is no name of the internet"
    if name.rpartition(".")[2] in _RESERVED or not _HOST.fullmatch(name):
        return "its host is no name of the internet"
    return ""
