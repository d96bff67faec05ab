"""Pages with what is private are kept by no cache, neither the browser's nor a proxy's."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from registration.models import Member
from tests.fixtures.people import signed_in

OWN_POLICY = {"/service-worker.js", "/manifest.webmanifest"}
"""What any visitor gets, and browsers may keep if they ask whether it has changed."""


def plain_addresses(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Return the addresses that take no arguments."""
    found: list[str] = []
    for pattern in patterns:
        route = str(pattern.pattern)
        if "<" in route or "(" in route:
            continue
        if isinstance(pattern, URLResolver):
            found += plain_addresses(pattern.url_patterns, before + route)
        else:
            found.append(before + route)
    return sorted(set(found))


def test_no_page_is_stored(db: None, staff: Member) -> None:
    staff.user.is_superuser = True
    staff.user.save()
    addresses = [a for a in plain_addresses(get_resolver().url_patterns) if a not in OWN_POLICY]
    assert len(addresses) > 40
    for browser in (signed_in(staff), Client()):
        stored = [a for a in addresses if "no-store" not in browser.get(a).headers.get("Cache-Control", "")]
        assert stored == []


@pytest.mark.parametrize("path", ["/no/such/page", "/n/forged/answer"])
def test_no_page_of_an_error_is_stored(page: Client, path: str) -> None:
    assert "no-store" in page.get(path).headers["Cache-Control"]


def test_the_service_worker_may_be_kept(page: Client) -> None:
    assert page.get("/service-worker.js").headers["Cache-Control"] == "no-cache"
