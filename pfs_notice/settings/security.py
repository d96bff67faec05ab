"""Secrets, cookies, headers and the content security policy."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from pfs_notice.settings.environment import IS_PRODUCTION, flag, secret, whole, words
from pfs_notice.settings.notice import NOTICE_PATH, NOTICE_PUBLIC_URL

SECRET_KEY = secret("SECRET_KEY", "secret_key")
# Older keys during a rotation: links and calls that exist already stay valid.
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")

_PUBLIC: Final = urlsplit(NOTICE_PUBLIC_URL)
_IS_HTTPS: Final = _PUBLIC.scheme == "https"
_LOCAL: Final = ["localhost", "127.0.0.1", "[::1]"]

ALLOWED_HOSTS = words("ALLOWED_HOSTS") or sorted({*_LOCAL, _PUBLIC.hostname or "localhost"})
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS") or [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]

# The web server itself speaks plain HTTP; the proxy that terminates HTTPS sets this header.
NOTICE_BEHIND_PROXY = flag("NOTICE_BEHIND_PROXY", default=IS_PRODUCTION and _IS_HTTPS)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if NOTICE_BEHIND_PROXY else None
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=IS_PRODUCTION and _IS_HTTPS)
# Asked by load balancers, supervisors and monitoring, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{NOTICE_PATH}/'.lstrip('/'))}(health(/web)?|ready|metrics)$"]
SECURE_HSTS_SECONDS = whole("SECURE_HSTS_SECONDS", 31_536_000 if IS_PRODUCTION and _IS_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=SECURE_HSTS_SECONDS > 0)
SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_PRELOAD", default=SECURE_HSTS_SECONDS > 0)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = _IS_HTTPS
CSRF_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = f"{NOTICE_PATH}/"
# Scripts read it: a form that was opened before a sign-in in another tab is sent with the new token.
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "registration.views.session.csrf_failure"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # icons inside the style sheets, and QR codes
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

__all__ = [
    name
    for name in dir()
    if name.isupper()
    and not name.startswith("_")
    and name not in {"IS_PRODUCTION", "NOTICE_PATH", "NOTICE_PUBLIC_URL", "NONE", "SELF"}
]
