"""What a request gives as text: row keys, lengths, the page to return to."""

from typing import Final

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

_DIGITS: Final = 9
"""Of a number that fits into 32 bits."""
_KEY_DIGITS: Final = 18
"""Of a row's key, which fits into 64 bits."""
_LONGEST_PAGE: Final = 2000


def whole(text: str, digits: int = _DIGITS) -> int | None:
    """Return a number of at most so many ASCII digits, or None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def row_key(text: str) -> int:
    """Return the key of a row; 0, which no row has, for what can't be one."""
    return whole(text, _KEY_DIGITS) or 0


def next_page(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Return to the page that the form names in ``next``, a path of this site; else to the page named ``default``.

    It never fails, so that it can't turn an effect that took place into an error.
    """
    page = request.POST.get("next", "")
    is_ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, {request.get_host()})
    return HttpResponseRedirect(page if is_ours and len(page) <= _LONGEST_PAGE else reverse(default))
