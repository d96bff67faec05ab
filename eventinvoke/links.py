"""Addresses of our own pages, as somebody outside reaches them."""

from django.conf import settings
from django.urls import reverse


def public_url(path: str) -> str:
    """Return the whole address of a path of ours, under ``NOTICE_PUBLIC_URL``."""
    return f"{settings.NOTICE_PUBLIC_URL.rstrip('/')}{path}"


def link(name: str, process_id: str) -> str:
    """Return the whole address of a page that is keyed by a process id (``notification:answer``)."""
    return public_url(reverse(name, args=[process_id]))
