"""nginx with the settings of docs/operations.md before granian with the options of that page."""

import re
import shlex
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from types import MappingProxyType
from typing import Final

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from pfs_notice.body_limits import limit_of
from pfs_notice.settings.environment import BASE_DIR
from pfs_notice.supervisor.stack import WEB_OPTIONS
from registration.models import SignInTry
from registration.sign_ins import keys_of
from tests.fixtures.processes import Starter, wait_until
from tests.servers import Missing, Nginx, free_port
from tests.slow_clients import HALF_SENT, slow_body, slow_clients
from tests.tls import make_certificate

PAGE: Final = (BASE_DIR / "docs" / "operations.md").read_text()
SETTINGS: Final = re.findall(r"^```nginx\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMAND: Final = re.findall(r"^       \.venv/bin/(granian .*?:application)$", PAGE, re.MULTILINE | re.DOTALL)
LOGIN: Final = "/accounts/login/"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
OTHER: Final = "127.0.0.2"
"""The address of another client."""

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Proxied:
    """The web server behind nginx."""

    port: int
    tls: ssl.SSLContext

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] = MappingProxyType({}),
        source: str = "127.0.0.1",
    ) -> tuple[int, str]:
        """Send a request; return the status, and headers and body of the answer."""
        connection = HTTPSConnection(
            "localhost", self.port, timeout=40, source_address=(source, 0), context=self.tls
        )
        with closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, f"{answer.headers}{answer.read().decode(errors='replace')}"


def as_on_the_page(*replaced: tuple[str, str]) -> str:
    """Return the settings of the page with the places of this test in them."""
    (text,) = SETTINGS
    for old, new in replaced:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return str(text)


@pytest.fixture
def proxied(
    start_process: Starter, process_environment: dict[str, str], settings: Settings
) -> Iterator[Proxied]:
    port, web_port = free_port(), free_port()
    settings.NOTICE_BEHIND_PROXY = True
    process_environment |= {
        "NOTICE_BEHIND_PROXY": "yes",
        "SECURE_SSL_REDIRECT": "yes",
        "NOTICE_PUBLIC_URL": f"https://localhost:{port}",
    }
    (command,) = COMMAND
    start_process(*shlex.split(command.replace("\\\n", " ")), "--port", str(web_port))
    text = as_on_the_page(
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{web_port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server_name notice.example.org;", "server_name localhost;"),
        ("/etc/ssl/notice/fullchain.pem", "certificate.pem"),
        ("/etc/ssl/notice/privkey.pem", "key.pem"),
        ("/var/log/nginx/notice.log", "access.log"),
        ("/var/log/nginx/notice-error.log", "error.log"),
    )
    try:
        server = Nginx(text, port=port)
        certificate, _key = make_certificate(server.folder)
        with server:
            found = Proxied(port, ssl.create_default_context(cafile=str(certificate)))
            wait_until(lambda: found.ask("GET", "/health/web")[0] == 200, seconds=60, what="the web server")
            yield found
    except Missing as error:
        pytest.skip(str(error))


def test_the_page_runs_the_web_server_with_our_options() -> None:
    (command,) = COMMAND
    words = shlex.split(command.replace("\\\n", " "))
    assert words == ["granian", "--workers", "2", *WEB_OPTIONS, "pfs_notice.edge:application"]


def test_the_web_server_knows_the_client_and_that_it_came_by_https(proxied: Proxied) -> None:
    status, text = proxied.ask("GET", LOGIN, headers={"X-Forwarded-Proto": "http"})
    assert status == 200, "a redirect says that it takes the request for plain http"
    (token,) = re.findall(r"csrftoken=(\w+)", text)
    body = f"csrfmiddlewaretoken={token}&username=anna&password=wrong".encode()
    headers = {
        "Cookie": f"csrftoken={token}",
        "Origin": f"https://localhost:{proxied.port}",
        "X-Forwarded-For": "192.0.2.1",
    }
    assert proxied.ask("POST", LOGIN, body, FORM | headers)[0] == 200
    told = RequestFactory().post(LOGIN, headers={"X-Forwarded-For": "127.0.0.1"})
    assert [one.key for one in SignInTry.objects.all()] == [keys_of(told, "anna").pair]


def test_nginx_and_the_web_server_have_the_same_limits(proxied: Proxied) -> None:
    for path in (LOGIN, "/calendars/add/", "/calendars/7/edit/", "/calendars/accounts/7/", "/admin/"):
        limit = limit_of(path)
        status, text = proxied.ask("POST", path, headers=FORM | {"Content-Length": str(limit + 1)})
        assert (path, status, "Server: nginx" in text) == (path, 413, True)
        # Refused by the pages, for want of a token, and not for its size; the sign-in page shows itself again.
        refused = 302 if path == LOGIN else 403
        assert (path, proxied.ask("POST", path, b"a" * limit, FORM)[0]) == (path, refused)


def test_slow_clients_delay_no_other(proxied: Proxied) -> None:
    body = slow_body(LOGIN)
    with slow_clients(proxied.port, [body] * 150 + [HALF_SENT] * 150, proxied.tls) as clients:
        wait_until(lambda: clients.connected[body] >= 100, what="a hundred connections")
        wait_until(
            lambda: any(b" 503 " in line for _, line in clients.answers), what="the limit of one client"
        )
        for _ in range(20):
            assert proxied.ask("GET", "/health", source=OTHER)[0] == 200
        wait_until(
            lambda: sum(count for (kind, _), count in clients.answers.items() if kind == HALF_SENT),
            seconds=40,
            what="the end of half-sent headers",
        )
