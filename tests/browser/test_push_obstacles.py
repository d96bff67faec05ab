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


def hint_of(page: "Page") -> str:
    """Return what the page says without a click."""
    page.get_by_role("button", name=BUTTON).wait_for()
    return page.locator("[data-push-hint]").inner_text()


def test_an_iphone_is_told_to_put_the_page_on_its_home_screen(devices: Devices) -> None:
    touching = "Object.defineProperty(Navigator.prototype, 'maxTouchPoints', {get: () => 5})"
    for agent, hint in [
        (IPHONE.format("17_5"), HOME_SCREEN),
        (IPHONE.format("16_4"), HOME_SCREEN),
        (IPAD.format("17.5"), HOME_SCREEN),
        (IPHONE.format("16_3"), "Notifications need iOS 16.4 or later."),
        (IPAD.format("15.6"), "Notifications need iOS 16.4 or later."),
    ]:
        page = devices.open(user_agent=agent, script=touching, viewport={"width": 390, "height": 844})
        assert hint_of(page).startswith(hint), agent
        assert pressed(page).startswith(hint), agent


def test_a_mac_another_browser_and_the_home_screen_get_no_hint(devices: Devices) -> None:
    installed = "Object.defineProperty(Navigator.prototype, 'standalone', {get: () => true})"
    for agent, script in [(IPAD.format("17.5"), ""), (None, ""), (IPHONE.format("17_5"), installed)]:
        page = devices.open(user_agent=agent, script=script)
        assert hint_of(page) == "", agent
        assert pressed(page).startswith("The browser does not allow notifications from this page."), agent


NO_WORKER = "delete Navigator.prototype.serviceWorker"
CLOSED = """
Object.defineProperty(Notification, 'permission', {get: () => 'default'});
Notification.requestPermission = async () => 'default';
"""
NO_STORAGE = """
Object.defineProperty(Notification, 'permission', {get: () => 'granted'});
Notification.requestPermission = async () => 'granted';
ServiceWorkerContainer.prototype.register = async () => { throw new Error('no storage'); };
"""
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def test_each_cause_is_said_in_a_sentence(devices: Devices) -> None:
    causes: list[tuple[dict[str, Any], str]] = [
        ({"origin": "http://notice.example.org"}, "Notifications need https."),
        ({"script": NO_WORKER}, "This browser runs no service workers"),
        ({"script": NO_WORKER, "user_agent": FIREFOX}, "Private windows get no notifications."),
        ({"script": "delete window.PushManager"}, "This browser can't get notifications"),
        ({"script": CLOSED}, "You closed the browser"),
        ({"script": NO_STORAGE}, "The browser could not start the service worker of this page."),
        # This Chromium knows no push service.
        ({"permissions": ["notifications"]}, "The push service of this browser did not answer"),
    ]
    for device, sentence in causes:
        assert pressed(devices.open(**device)).startswith(sentence), device


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
