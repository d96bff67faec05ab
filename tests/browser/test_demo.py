"""What a newcomer sees: ``script/server --demo``, from the login to the confirmed call.

With NOTICE_SCREENSHOTS set to a folder, the pages are kept there as pictures (the README's come from it).
"""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.fixtures.processes import wait_until
from tests.servers import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FOLDER: Final = Path(__file__).resolve().parent.parent.parent
_RING_SECONDS: Final = 100
"""The demo's entry begins in two minutes, and the phone rings a minute before."""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The running demo: its address, and the password that it printed."""
    port = free_port()
    log = tmp_path / "output"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_", "CELERY_", "NOTICE_", "TWILIO_", "STATIC_"))
    }
    environment |= {"PORT": str(port), "PFS_NOTICE_VAR": str(tmp_path / "var")}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [_FOLDER / "script" / "server", "--demo"], env=environment, stdout=output, stderr=output
        )

    def password() -> str:
        assert server.poll() is None, log.read_text()
        found = re.search(r"as demo with the password (\S+)", log.read_text())
        return found.group(1) if found else ""

    try:
        yield f"http://localhost:{port}", wait_until(password, seconds=90, what="the demo's start")
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert server.wait(30) == 0
        server.kill()


def keep(page: "Page", name: str) -> None:
    """Keep a picture of the page, if pictures are wanted."""
    if folder := os.environ.get("NOTICE_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.timeout(240)
def test_a_newcomer_sees_an_event_become_an_acknowledged_call(
    browser_page: "Page", demo: tuple[str, str]
) -> None:
    page = browser_page
    from playwright.sync_api import expect  # noqa: PLC0415 - takes long to load

    url, password = demo
    page.goto(url)
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()

    # The calendar's event is upcoming, and appears without a reload.
    upcoming = page.get_by_role("main").get_by_text("PFS telecon").first
    expect(upcoming).to_be_visible(timeout=30_000)
    # The notice of the inbox appears as a toast on every page.
    expect(page.get_by_role("button", name="Acknowledge").first).to_be_visible(timeout=60_000)
    keep(page, "panel")

    page.get_by_role("link", name="Phone", exact=True).click()
    expect(page.get_by_text("Incoming call").first).to_be_visible(timeout=_RING_SECONDS * 1000)
    keep(page, "ringing")
    page.get_by_role("button", name="Answer", exact=True).click()
    words = page.get_by_role("log", name="What the call says")
    expect(words).to_contain_text("PFS telecon", timeout=20_000)
    key = page.get_by_role("button", name="1", exact=True)
    expect(key).to_be_enabled(timeout=30_000)
    keep(page, "call")
    key.click()
    expect(page.get_by_text("Call ended").first).to_be_visible(timeout=30_000)

    # History has its timeline.
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="PFS telecon").first.click()
    timeline = page.get_by_role("main")
    expect(timeline).to_contain_text(re.compile("acknowledged", re.IGNORECASE), timeout=10_000)
    keep(page, "timeline")
    for word in ("Scheduled", "Due"):
        expect(timeline).to_contain_text(word)

    # Who comes too late for the call, or wants another, has one within seconds.
    page.get_by_role("link", name="Phone", exact=True).click()
    page.get_by_role("button", name="Ring me again").click()
    expect(page.get_by_text("The phone rings in a few seconds.")).to_be_visible()
    expect(page.get_by_text("Incoming call").first).to_be_visible(timeout=40_000)
