"""A member, and the panel with that member signed in."""

from typing import TYPE_CHECKING, Any

import pytest

from registration.membership import member_of
from registration.models import Member
from registration.tests.factories import UserFactory

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def member() -> Member:
    return member_of(UserFactory.create(username="ann"))


@pytest.fixture
def panel(page: "Page", live_server: Any, member: Member) -> "Page":
    """A page of the panel, signed in through the form."""
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_label("Username").fill(member.user.username)
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upcoming/")
    return page
