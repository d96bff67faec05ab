"""Absolute links into this site, for those who can't follow relative ones: providers and mails."""

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

PLACEHOLDER: Final = "P" * 43
"""Of the form and the length of a process id, which it stands for in texts made beforehand."""
ANSWER_PLACEHOLDER: Final = "A" * 43
"""The same for the id in a link to the page of answers, which is signed for that purpose."""


def public_url(path: str) -> str:
    """Return the public address of a path of ours, which begins with that of ``NOTICE_PUBLIC_URL`` if it has one."""
    return f"{_origin(settings.NOTICE_PUBLIC_URL)}{path}"


@lru_cache(maxsize=8)
def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def path(name: str, process_id: str) -> str:
    """Return the path of the page ``name`` about one try, for those who are on this site already."""
    before, after = _around(name, settings.ROOT_URLCONF)
    return f"{before}{process_id}{after}"


def link(name: str, process_id: str) -> str:
    """Return the public address of the page ``name`` about one try."""
    return public_url(path(name, process_id))


@lru_cache(maxsize=64)
def _around(name: str, _urlconf: str) -> tuple[str, str]:
    """Return what stands before and after the process id in the path of a page."""
    before, _, after = reverse(name, args=[PLACEHOLDER]).partition(PLACEHOLDER)
    return before, after
