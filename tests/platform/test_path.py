"""A public address with a path, https://example.org/notice, behind nginx: pages, callbacks, the service worker."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from pytest_django import Settings

from common import process_ids
from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Member
from registration.tests.factories import MemberFactory, TargetFactory
from tests.browser.test_panel import Worker, payload
from tests.fixtures.processes import Starter, wait_until
from tests.fixtures.servers import missing
from tests.servers import Missing, Nginx, free_port
from tests.simulated_twilio import SimulatedTwilio

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: Final = "+12025550123"
SETTINGS: Final = """
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 64k;
    proxy_set_header Host $http_host;
    location = / {{ return 200 "another site"; }}
    location /notice/ {{ proxy_pass http://127.0.0.1:{web_port}{rest}; }}
}}
"""


class Site:
    """The server behind nginx, below a path."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"
        self.port = port

    def get(self, path: str) -> tuple[int, str, str]:
        """Return the status, the headers and the body of a page."""
        connection = HTTPConnection("localhost", self.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, str(answer.headers), answer.read().decode(errors="replace")
        connection.close()
        return found


@pytest.fixture(params=["", "/"], ids=["passed whole", "passed without it"])
def site(
    request: pytest.FixtureRequest,
    start_process: Starter,
    process_environment: dict[str, str],
    settings: Settings,
    simulated_twilio: SimulatedTwilio,
) -> Iterator[Site]:
    port, web_port = free_port(), free_port()
    url = f"http://localhost:{port}/notice"
    settings.NOTICE_PUBLIC_URL = url
    process_environment |= simulated_twilio.environment | {"NOTICE_PUBLIC_URL": f"{url}/"}
    start_process("granian", "--interface", "rsgi", "--port", str(web_port), "pfs_notice.edge:application")
    try:
        with Nginx(SETTINGS.format(port=port, web_port=web_port, rest=request.param), port=port):
            found = Site(port)
            wait_until(lambda: found.get("/notice/health/web")[0] == 200, seconds=60, what="the web server")
            yield found
    except Missing as error:
        missing(str(error))


def test_pages_and_calls_are_below_the_path(
    site: Site, start_process: Starter, simulated_twilio: SimulatedTwilio
) -> None:
    status, headers, page = site.get("/notice/accounts/login/")
    assert status == 200
    assert re.findall(r"Path=([^;\s]+)", headers) == ["/notice/"]
    addresses = re.findall(r'(?:src|href|action|data-worker)="(/[^"]*)"', page)
    assert len(addresses) > 4
    assert [one for one in addresses if not one.startswith("/notice/")] == []
    assert [one for one in addresses if site.get(one)[0] != 200] == ["/notice/"]  # leads to the form
    assert "/notice/accounts/login/?next=/notice/inbox/" in site.get("/notice/inbox/")[1]
    simulated_twilio.behave(PHONE, answers="person", keys=["1"])
    target = TargetFactory(kind="voice", address=PHONE, config={"language": "en"}, member=MemberFactory())
    delivery = DeliveryFactory(target=target)
    start_process("manage", "eventinvoke", "--forever")
    wait_until(
        lambda: Delivery.objects.get(pk=delivery.pk).state == State.ACKNOWLEDGED, seconds=40, what="the key"
    )
    assert simulated_twilio.callbacks
    assert {urlsplit(one.url).path.split("/")[1] for one in simulated_twilio.callbacks} == {"notice"}


def test_the_panel_and_its_service_worker_are_below_the_path(
    site: Site, browser_page: "Page", member: Member
) -> None:
    member.user.password = Argon2PasswordHasher().encode("a long password", "salt" * 4)
    member.user.save(update_fields=["password"])
    browser_page.goto(f"{site.origin}/notice/accounts/login/")
    browser_page.get_by_label("Username").fill(member.user.username)
    browser_page.get_by_label("Password").fill("a long password")
    browser_page.get_by_role("button", name="Sign in").click()
    browser_page.wait_for_url("**/notice/upcoming/")
    assert {cookie["path"] for cookie in browser_page.context.cookies()} == {"/notice/"}
    assert browser_page.evaluate("getComputedStyle(document.querySelector('.page')).display") == "flex"
    worker = Worker(browser_page, site.origin)
    scope = "async () => (await navigator.serviceWorker.ready).scope"
    assert browser_page.evaluate(scope) == f"{site.origin}/notice/"
    delivery = DeliveryFactory(
        target=TargetFactory(member=member, kind="webpush"), state=State.SENT, sent_at=now(), attempts=1
    )
    attempt = Attempt.objects.create(delivery=delivery, outcome="accepted")
    worker.push(payload(attempt, report=f"/notice/n/{process_ids.sign(attempt.pk)}/push"))
    wait_until(lambda: Delivery.objects.get(pk=delivery.pk).state == State.DELIVERED, what="the report")
    # What makes no sense leads to the inbox.
    worker.push("nonsense")
    generic = [one for one in worker.shown() if one["title"] == "PFS Notice"]
    assert [one["data"]["url"] for one in generic] == [f"{site.origin}/notice/inbox/"]
