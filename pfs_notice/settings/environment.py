"""Where settings come from: the environment first, then the folder of run-time state."""

import math
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import environ
import idna
from django.core.exceptions import ImproperlyConfigured

from pfs_notice import keys, variables
from pfs_notice.private_folder import FolderError

_YES: Final = {"1", "yes", "y", "true", "on"}
_NO: Final = {"0", "no", "n", "false", "off"}
BASE_DIR: Final = variables.FOLDER
variables.load()
text: Final = variables.get


def flag(name: str, *, default: bool) -> bool:
    """Return a variable as yes or no. Raises ``ImproperlyConfigured`` for anything else."""
    given = text(name).lower()
    if not given:
        return default
    if given in _YES or given in _NO:
        return given in _YES
    raise ImproperlyConfigured(f"{name} is {given!r}; it has to be yes or no.")


def whole(name: str, default: int) -> int:
    """Return a variable as a whole number. Raises ``ImproperlyConfigured`` for anything else."""
    given = text(name)
    try:
        return int(given) if given else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {given!r}; it has to be a whole number.") from error


def decimal(name: str, default: float) -> float:
    """Return a variable as a number. Raises ``ImproperlyConfigured`` for anything else."""
    return _number(name, text(name), default)


def rates(name: str) -> dict[str, float]:
    """Return a variable as numbers by word (``voice=1,sms=10``). Raises ``ImproperlyConfigured``."""
    pairs = (pair.partition("=") for pair in words(name))
    return {word.strip(): _number(name, number.strip() or word, 0.0) for word, _, number in pairs}


def _number(name: str, given: str, default: float) -> float:
    try:
        number = float(given) if given else default
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    raise ImproperlyConfigured(f"{name} has {given!r}, where a number is wanted.")


def words(name: str, default: list[str] | None = None) -> list[str]:
    """Return a variable as a list, separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or (default or [])


_IMPLICIT_TLS: Final = 465
"""RFC 8314, 3.3: submission that is encrypted from the beginning."""
_SUBMISSION: Final = 587
"""RFC 6409: submission; encrypted by STARTTLS."""
_RELAY: Final = 25


def email_url(name: str, default: str) -> dict[str, Any]:
    """Return a variable that names a mail server as Django's settings. Raises ``ImproperlyConfigured``.

    ``smtp://`` is unencrypted (port 25), ``smtp+tls://`` has STARTTLS (port 587), ``smtp+ssl://`` is encrypted
    from the beginning (port 465). ``smtps://`` is that too, but STARTTLS on a port that is given and not 465.
    """
    url = text(name, default)
    try:
        found = cast("dict[str, Any]", environ.Env.email_url_config(url))
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} names no mail server: {error}.") from None
    scheme, port = url.partition(":")[0].lower(), found["EMAIL_PORT"]
    is_implicit = scheme == "smtp+ssl" or (scheme == "smtps" and port in {None, _IMPLICIT_TLS})
    is_starttls = scheme in {"smtps", "smtp+tls"} and not is_implicit
    usual = _IMPLICIT_TLS if is_implicit else _SUBMISSION if is_starttls else _RELAY
    return found | {"EMAIL_PORT": port or usual, "EMAIL_USE_SSL": is_implicit, "EMAIL_USE_TLS": is_starttls}


def database_url(name: str) -> dict[str, Any] | None:
    """Return a variable that names a database as Django's settings. Raises ``ImproperlyConfigured``."""
    url = text(name)
    if not url:
        return None
    if url.partition("://")[0] not in environ.Env.DB_SCHEMES:
        raise ImproperlyConfigured(f"{name} names no database; it begins like postgresql:// or mysql://.")
    try:
        return cast("dict[str, Any]", environ.Env.db_url_config(url))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} names no database: {error}.") from None


_USUAL_PORTS: Final = {"http": 80, "https": 443}


def public_url(name: str, default: str) -> str:
    """Return a variable that names our own address, as browsers write it. Raises ``ImproperlyConfigured``.

    The host in ASCII (RFC 5891, UTS 46) and small letters, no port where it is the scheme's own, no slash at the end.
    """
    given = text(name, default)
    try:
        parts = urlsplit(given)
        host = parts.hostname or ""
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        port = "" if parts.port in {None, _USUAL_PORTS.get(parts.scheme)} else f":{parts.port}"
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {given!r}, which is no web address ({error}).") from None
    if not host or parts.username is not None:
        return given.rstrip("/")  # the check E004 says what is wrong
    place = f"[{host}]{port}" if ":" in host else f"{host}{port}"
    return parts._replace(netloc=place, path=parts.path.rstrip("/")).geturl()


VAR_DIR: Final = Path(text("PFS_NOTICE_VAR", str(BASE_DIR / "var"))).absolute()
try:
    keys.close_folder(VAR_DIR)
except FolderError as error:
    raise ImproperlyConfigured(str(error)) from error
ENVIRONMENT: Final = text("PFS_NOTICE_ENV", "embedded")
IS_PRODUCTION: Final = ENVIRONMENT == "production"
if ENVIRONMENT not in {"embedded", "production"}:
    raise ImproperlyConfigured(f"PFS_NOTICE_ENV is {ENVIRONMENT!r}; it may be embedded or production.")


def secret(variable: str, file: str) -> str:
    """Return a secret from the environment, or from its file in the folder of run-time state.

    A missing one is made where nothing is configured; in production it is an error, as a key that
    one machine makes for itself would not fit the others.
    """
    try:
        given = text(variable) or keys.read(VAR_DIR, file)
        if given or not IS_PRODUCTION:
            return given or keys.read_or_make(VAR_DIR, file)
    except FolderError as error:
        raise ImproperlyConfigured(str(error)) from None
    except OSError as error:
        raise ImproperlyConfigured(f"{VAR_DIR / file} can't be used: {error.strerror}.") from None
    raise ImproperlyConfigured(
        f"{variable} is not set, and there is no {VAR_DIR / file}. Set the variable, or make the keys once "
        "with `python -m pfs_notice.keys` and give the same ones to every machine.",
    )
