"""Why a browser can't get notifications: each cause is said in one sentence, and an iPhone is told what to do first."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from registration.models import Member
from tests.fixtures.people import signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} "
    "Safari/605.1.15"
)
HOME_SCREEN = "On an iPhone or iPad: tap Share, then “Add to Home Screen”."
BUTTON = "Notify me in this browser"


class Devices:
    """Opens the page of contact methods on devices of different kinds."""

    def __init__(self, browser: "Browser", member: Member, origin: str) -> None:
        self._browser = browser
        self._origin = origin
        self._session = signed_in(member).cookies["sessionid"].value
        self._errors: list[str] = []

    def open(self, *, script: str = "", origin: str = "", **device: Any) -> "Page":
        """Return the page; ``script`` runs before its own scripts."""
        context = self._browser.new_context(**device)
        context.set_default_timeout(10_000)
        where = origin or self._origin
        context.add_cookies([{"name": "sessionid", "value": self._session, "url": where}])
        page = context.new_page()
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        if script:
            page.add_init_script(script)
        if origin:
            page.route(f"{origin}/**", self._serve)
        page.goto(f"{where}/targets/")
        return page

    def _serve(self, route: "Route") -> None:
        """Serve a page of ours under another name, which the browser takes for another machine's."""
        parts = urlsplit(route.request.url)
        response = route.fetch(
            url=f"{self._origin}{parts.path}", headers={"cookie": f"sessionid={self._session}"}
        )
        route.fulfill(response=response)

    def check(self) -> None:
        """Fail where a script has failed."""
        assert self._errors == []


@pytest.fixture
def devices(browser: "Browser", live_server: Any, member: Member) -> Iterator[Devices]:
    made = Devices(browser, member, live_server.url)
    yield made
    made.check()


def pressed(page: "Page") -> str:
    """Press the button and return what the page says."""
    page.get_by_role("button", name=BUTTON).click()
    alert = page.locator("[data-push-problem]:not(.d-none)")
    alert.wait_for()
    return alert.inner_text()


@pytest.mark.parametrize(
    ("agent", "touches", "hint"),
    [
        (IPHONE.format("17_5"), 5, HOME_SCREEN),
        (IPHONE.format("16_4"), 5, HOME_SCREEN),
        (IPAD.format("17.5"), 5, HOME_SCREEN),
        (IPHONE.format("16_3"), 5, "Notifications need iOS 16.4 or later."),
        (IPAD.format("15.6"), 5, "Notifications need iOS 16.4 or later."),
    ],
)
def test_an_iphone_is_told_to_put_the_page_on_its_home_screen(
    devices: Devices, agent: str, touches: int, hint: str
) -> None:
    touching = f"Object.defineProperty(Navigator.prototype, 'maxTouchPoints', {{get: () => {touches}}})"
    page = devices.open(user_agent=agent, script=touching, viewport={"width": 390, "height": 844})
    shown = page.locator("[data-push-hint]:not(.d-none)")
    shown.wait_for()
    assert shown.inner_text().startswith(hint)
    assert pressed(page).startswith(hint)


@pytest.mark.parametrize("agent", [IPAD.format("17.5"), None])
def test_a_mac_or_another_browser_gets_no_hint(devices: Devices, agent: str | None) -> None:
    page = devices.open(user_agent=agent)
    page.get_by_role("button", name=BUTTON).wait_for()
    assert page.locator("[data-push-hint]:not(.d-none)").count() == 0
    assert pressed(page).startswith("The browser does not allow notifications from this page.")


def test_on_the_home_screen_there_is_no_hint(devices: Devices) -> None:
    page = devices.open(
        user_agent=IPHONE.format("17_5"),
        script="Object.defineProperty(Navigator.prototype, 'standalone', {get: () => true})",
    )
    page.get_by_role("button", name=BUTTON).wait_for()
    assert page.locator("[data-push-hint]:not(.d-none)").count() == 0
    assert "Home Screen" not in pressed(page)


def test_without_https_it_says_so(devices: Devices) -> None:
    page = devices.open(origin="http://notice.example.org")
    assert pressed(page).startswith("Notifications need https.")


@pytest.mark.parametrize(
    ("lacks", "sentence"),
    [
        ("delete Navigator.prototype.serviceWorker", "This browser runs no service workers"),
        ("delete window.PushManager", "This browser can't get notifications from web pages."),
        (
            "Object.defineProperty(Notification, 'permission', {get: () => 'default'});"
            "Notification.requestPermission = async () => 'default'",
            "You closed the browser’s question.",
        ),
        (
            "Object.defineProperty(Notification, 'permission', {get: () => 'granted'});"
            "Notification.requestPermission = async () => 'granted';"
            "ServiceWorkerContainer.prototype.register = async () => { throw new Error('no storage'); }",
            "The browser could not start the service worker of this page.",
        ),
    ],
)
def test_what_a_browser_lacks_is_said(devices: Devices, lacks: str, sentence: str) -> None:
    assert pressed(devices.open(script=lacks)).startswith(sentence)


def test_a_browser_without_a_push_service_is_told(devices: Devices) -> None:
    page = devices.open(permissions=["notifications"])
    # This Chromium knows no push service.
    assert pressed(page).startswith("The browser’s push service did not answer")


def test_a_browser_finds_the_web_app_and_its_icons(devices: Devices, live_server: Any) -> None:
    page = devices.open()
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "/", "/")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    sources = [icon["src"] for icon in manifest["icons"]]
    sources.append(str(page.locator("link[rel=apple-touch-icon]").get_attribute("href")))
    sizes = page.evaluate(
        """(sources) => Promise.all(sources.map(async (source) => {
          const image = new Image();
          image.src = source;
          await image.decode();
          return `${image.naturalWidth}x${image.naturalHeight}`;
        }))""",
        sources,
    )
    assert sizes == [icon["sizes"] for icon in manifest["icons"]] + ["180x180"]
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] in ([], _IN_PRIVATE)


_IN_PRIVATE = [{"errorId": "in-incognito", "errorArguments": []}]
"""A test's browser keeps nothing, as a private window."""
