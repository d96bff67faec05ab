"""System checks: what is wrong with the settings, and what to do about it.

Errors keep the product from starting; warnings tell what will not work, or not well. Those with
``deploy=True`` are only asked by ``manage.py check --deploy``, before a real deployment.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's names
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from eventinvoke.sending.heartbeats import large_skews

Apps = Sequence[AppConfig] | None
_BROKERS = {"redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps"}
_PATH = re.compile(r"(?:/[\w.~-]+)*", re.ASCII)
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
_CONSOLE_MAIL = "django.core.mail.backends.console.EmailBackend"


@register(Tags.security)
def check_encryption_keys(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E001: every key of NOTICE_ENCRYPTION_KEYS can be used."""
    del app_configs
    bad = [number for number, key in enumerate(settings.NOTICE_ENCRYPTION_KEYS, 1) if not _is_fernet_key(key)]
    if settings.NOTICE_ENCRYPTION_KEYS and not bad:
        return []
    which = (
        f"Number {', '.join(map(str, bad))} of NOTICE_ENCRYPTION_KEYS" if bad else "NOTICE_ENCRYPTION_KEYS"
    )
    hint = (
        "A key is 32 bytes in base64url. `python -m pfs_notice.keys` makes one, in the file encryption_key."
    )
    return [Error(f"{which} can't be used.", hint=hint, id="pfs_notice.E001")]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@register(Tags.security)
def check_vapid(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E002: the VAPID key is one of RFC 8292 (P-256). E003: its subject is a mail or web address."""
    del app_configs
    found: list[CheckMessage] = []
    if not _is_p256_key(settings.VAPID_PRIVATE_KEY):
        hint = "It has to be a P-256 key in PEM. `python -m pfs_notice.keys` makes one, in vapid_private.pem."
        found.append(Error("VAPID_PRIVATE_KEY can't be used.", hint=hint, id="pfs_notice.E002"))
    if not settings.VAPID_SUBJECT.startswith(("mailto:", "https:")):
        hint = "Push services write there when something is wrong, e.g. mailto:you@example.org."
        found.append(Error("VAPID_SUBJECT is neither mailto: nor https:.", hint=hint, id="pfs_notice.E003"))
    return found


def _is_p256_key(pem: str) -> bool:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)


@register()
def check_public_url(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E004: NOTICE_PUBLIC_URL is an address of the web, perhaps with a plain path."""
    del app_configs
    url = urlsplit(settings.NOTICE_PUBLIC_URL)
    is_plain = _PATH.fullmatch(url.path) and not url.query and not url.fragment and url.username is None
    if url.scheme in {"http", "https"} and url.hostname and is_plain:
        return []
    hint = "Say where people and providers reach this server, like https://notice.example.org or https://example.org/notice"
    message = f"NOTICE_PUBLIC_URL is {settings.NOTICE_PUBLIC_URL!r}, which is no address of a server."
    return [Error(message, hint=hint, id="pfs_notice.E004")]


@register()
def check_channels(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E005: every entry of NOTICE_CHANNELS can be loaded."""
    del app_configs
    found: list[CheckMessage] = []
    for path in settings.NOTICE_CHANNELS:
        try:
            import_string(path)
        except ImportError as error:
            hint = "NOTICE_CHANNELS lists dotted paths of classes, separated by commas."
            found.append(
                Error(f"The channel {path} can't be loaded: {error}", hint=hint, id="pfs_notice.E005")
            )
    return found


@register()
def check_broker(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E006: CELERY_BROKER_URL names a broker that keeps its tasks when a process dies."""
    del app_configs
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if scheme in _BROKERS:
        return []
    hint = "Take Redis or Valkey, e.g. redis://127.0.0.1:6379/0; leave it out for script/server's own."
    message = f"CELERY_BROKER_URL begins with {scheme!r}, which is no broker that keeps its tasks."
    return [Error(message, hint=hint, id="pfs_notice.E006")]


@register()
def check_google(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E011: Google's client is configured wholly or not at all. E012: its addresses are https. W005: so is ours."""
    del app_configs
    found: list[CheckMessage] = []
    if bool(settings.GOOGLE_CLIENT_ID) != bool(settings.GOOGLE_CLIENT_SECRET):
        has, lacks = ("ID", "SECRET") if settings.GOOGLE_CLIENT_ID else ("SECRET", "ID")
        hint = "Set both, or neither: docs/operations.md says where Google gives them out."
        message = f"GOOGLE_CLIENT_{has} is set, but not GOOGLE_CLIENT_{lacks}."
        found.append(Error(message, hint=hint, id="pfs_notice.E011"))
    for name in ("GOOGLE_AUTH_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "GOOGLE_API_URL"):
        url = urlsplit(getattr(settings, name))
        if url.scheme != "https" or not url.hostname:
            hint = "Leave it out for Google's own."
            message = f"{name} is {getattr(settings, name)!r}, which is no https address."
            found.append(Error(message, hint=hint, id="pfs_notice.E012"))
    public = urlsplit(settings.NOTICE_PUBLIC_URL)
    if settings.GOOGLE_CLIENT_ID and public.scheme != "https" and public.hostname not in _LOCAL_HOSTS:
        hint = "Google sends people back to https addresses only, and to localhost."
        message = "GOOGLE_CLIENT_ID is set, but NOTICE_PUBLIC_URL is not https."
        found.append(Warning(message, hint=hint, id="pfs_notice.W005"))
    return found


@register()
def check_networks(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E009: every entry of NOTICE_ALLOWED_PRIVATE_NETWORKS is a network."""
    del app_configs
    found: list[CheckMessage] = []
    for text in settings.NOTICE_ALLOWED_PRIVATE_NETWORKS:
        try:
            ip_network(text)
        except ValueError as error:
            hint = "Write networks like 10.1.0.0/16 or fd00::/8, separated by commas."
            message = f"NOTICE_ALLOWED_PRIVATE_NETWORKS: {error}."
            found.append(Error(message, hint=hint, id="pfs_notice.E009"))
    return found


@register()
def check_amounts(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E010: the sizes and durations are above zero."""
    del app_configs
    names = ("NOTICE_BATCH_SIZE", "NOTICE_LEASE_SECONDS", "TWILIO_CALLS_PER_SECOND")
    return [
        Error(f"{name} is {getattr(settings, name)}; it has to be above zero.", id="pfs_notice.E010")
        for name in names
        if getattr(settings, name) <= 0
    ]


@register(Tags.database)
def check_collation(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """E013: MariaDB and MySQL tell "a" from "A" in names that calendars and people give."""
    if "default" not in (databases or ()) or connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_database, @@collation_database")
        charset, collation = cursor.fetchone()
    if charset == "utf8mb4" and collation.endswith("_bin"):
        return []
    hint = "Make it by: CREATE DATABASE notice CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    message = f"The database's collation is {collation}, to which names that differ are the same."
    return [Error(message, hint=hint, id="pfs_notice.E013")]


@register()
def check_clock(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """E014: NOTICE_CLOCK is one of two words."""
    del app_configs
    if settings.NOTICE_CLOCK in {"database", "machine"}:
        return []
    hint = "Leave it out: the database's clock is the one that all machines share."
    message = f"NOTICE_CLOCK is {settings.NOTICE_CLOCK!r}; it may be database or machine."
    return [Error(message, hint=hint, id="pfs_notice.E014")]


@register(Tags.database)
def check_skew(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """W006: the clocks of all machines are within seconds of the database's."""
    if "default" not in (databases or ()):
        return []
    try:
        skews = large_skews()
    except DatabaseError:  # before the first `migrate` there is no table to read
        return []
    hint = "Notices are sent by the database's clock all the same. Set the machine's clock by NTP."
    return [
        Warning(f"The clock of {host} is {skew:+.1f} s off the database's.", hint=hint, id="pfs_notice.W006")
        for host, skew in skews
    ]


@register(deploy=True)
def check_deployment(app_configs: Apps, **_kwargs: Any) -> list[CheckMessage]:
    """W001 to W004: settings that work for a trial, but not in a real deployment."""
    del app_configs
    found: list[CheckMessage] = []
    if urlsplit(settings.NOTICE_PUBLIC_URL).scheme != "https":
        hint = (
            "Browsers take push subscriptions over https only. Put a web server with a certificate before it."
        )
        found.append(Warning("NOTICE_PUBLIC_URL is not https.", hint=hint, id="pfs_notice.W001"))
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "SQLite is for one machine and some members. Set DATABASE_URL to a PostgreSQL, a MariaDB or a MySQL."
        found.append(Warning("The database is SQLite.", hint=hint, id="pfs_notice.W002"))
    if settings.IS_SIMULATED:
        hint = "Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKENS and TWILIO_FROM_NUMBER."
        found.append(Warning("Calls and SMS go to the simulated phone.", hint=hint, id="pfs_notice.W003"))
    if settings.EMAIL_BACKEND == _CONSOLE_MAIL:
        hint = "Set EMAIL_URL, e.g. smtp+tls://user:password@mail.example.org:587."
        found.append(Warning("Mails are printed in the log, not sent.", hint=hint, id="pfs_notice.W004"))
    return found
