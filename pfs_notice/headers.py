"""Headers that Django trusts when it makes a request of them, before any middleware and any check of a signature."""

import codecs
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.http import parse_header_parameters

from common.requests import whole

Start = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})
"""As ``codecs`` names them. Others are no texts (``rot13``), slow (``idna``), or no form is sent in them."""
_LENGTH_DIGITS: Final = 18
_LENGTH: Final = "400 Bad Request"
_CHARSET: Final = "415 Unsupported Media Type"


def checked(application: Application) -> Application:
    """Answer 415 for a charset that is none of texts, 400 for a Content-Length that is no number.

    Django decodes the query with any codec of Python that a Content-Type names, and reads lengths of any length.
    """

    def respond(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        refusal = _refusal(environ)
        if not refusal:
            return application(environ, start_response)
        start_response(refusal, [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    return respond


def _refusal(environ: dict[str, Any]) -> str:
    if whole(environ.get("CONTENT_LENGTH") or "0", _LENGTH_DIGITS) is None:
        return _LENGTH
    try:
        charset = parse_header_parameters(environ.get("CONTENT_TYPE") or "")[1].get("charset", "utf-8")
        return "" if codecs.lookup(charset).name in _CHARSETS else _CHARSET
    except LookupError:
        return ""  # Django takes UTF-8 in place of a charset that is unknown
    except ValueError:
        return _CHARSET
