"""A member, and the panel with that member signed in."""

from collections.abc import Iterator
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from registration.jobs import run_waiting
from registration.models import Member

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def jobs() -> Iterator[None]:
    """A thread that does what pages wait for, as a worker would."""
    is_over = Event()

    def work() -> None:
        while not is_over.wait(0.1):
            run_waiting()
        connection.close()

    worker = Thread(target=work)
    worker.start()
    yield
    is_over.set()
    worker.join()


@pytest.fixture
def panel(browser_page: "Page", live_server: Any, member: Member) -> "Page":
    """A page of the panel, signed in through the form."""
    browser_page.goto(f"{live_server.url}/accounts/login/")
    browser_page.get_by_label("Username").fill(member.user.username)
    browser_page.get_by_label("Password").fill("a long password")
    browser_page.get_by_role("button", name="Sign in").click()
    browser_page.wait_for_url("**/upcoming/")
    return browser_page
