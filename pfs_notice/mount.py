"""The path of ``NOTICE_PUBLIC_URL``, below which all pages are where it has one (``https://example.org/notice``).

The URL configuration begins with it, so that every address that is made, in any thread or process, has it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def mounted(path: str) -> str:
    """Return the path of a request as our addresses have it: a proxy may pass it with that beginning or without."""
    prefix = settings.NOTICE_PATH
    return path if path == prefix or path.startswith(f"{prefix}/") else f"{prefix}{path}"


def below_path(application: Application) -> Application:
    """Let a WSGI application see such paths."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return application(environ | {"PATH_INFO": mounted(environ.get("PATH_INFO", ""))}, start_response)

    return respond
