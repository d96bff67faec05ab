"""The web server's edge, by raw requests to a real server: slow, large and broken bodies."""

import socket
from pathlib import Path

import pytest
import requests

from pfs_notice.body_limits import DEFAULT
from registration.sizes import MAX_FILE
from tests.fixtures.processes import wait_until
from tests.slow_clients import slow_body, slow_clients

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = "/accounts/login/"
SESSION = "/accounts/session"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def status_of(url: str, request: bytes, *, is_broken_off: bool = False) -> int:
    """Send a raw request and return the status of the response, 0 without one."""
    with socket.create_connection(("127.0.0.1", port_of(url)), timeout=30) as connection:
        connection.sendall(request)
        if is_broken_off:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            words = answer.readline().split()
    return int(words[1]) if words else 0


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: localhost", *lines, "", "")).encode()


def test_clients_that_send_a_body_slowly_hold_no_thread(live_web: str) -> None:
    beginnings = [slow_body("/n/x/call-status"), slow_body(LOGIN)]
    with slow_clients(port_of(live_web), beginnings * 6) as clients:
        wait_until(lambda: clients.connected.total() == 12, what="twelve connections")
        for _ in range(20):
            assert requests.get(f"{live_web}/health", timeout=3).status_code == 200


def test_a_large_upload_to_the_login_is_refused_before_any_of_it_is_stored(
    tmp_path: Path, process_environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    stored = tmp_path / "temporary"
    stored.mkdir()
    process_environment["TMPDIR"] = str(stored)
    url: str = request.getfixturevalue("live_web")
    before = sorted(stored.rglob("*"))
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"a" * 10_000
    content_type = "Content-Type: multipart/form-data; boundary=x"
    request_ = head(LOGIN, content_type, "Content-Length: 400000000", f"Cookie: csrftoken={'a' * 32}") + part
    assert status_of(url, request_) == 413
    assert sorted(stored.rglob("*")) == before


def test_a_body_whose_end_is_not_known_does_not_reach_the_pages(live_web: str) -> None:
    for length in ("+5", "5, 5", "9" * 5000, "-1", "٣"):
        assert status_of(live_web, head(LOGIN, f"Content-Length: {length}") + b"12345") in {400, 413}
    assert status_of(live_web, head(LOGIN, "Transfer-Encoding: chunked") + b"5\r\nabcde\r\n0\r\n\r\n") == 411
    refused = requests.post(f"{live_web}{LOGIN}", json="a" * DEFAULT, timeout=10)
    assert (refused.status_code, refused.headers["Content-Type"]) == (413, "application/problem+json")
    request = head("/n/x/call-status", "Content-Length: 50") + b"CallStatus=ringing"
    assert status_of(live_web, request, is_broken_off=True) == 400


def test_large_uploads_are_read_a_few_at_a_time(live_web: str) -> None:
    beginning = slow_body("/calendars/add/", 2 * MAX_FILE)
    with slow_clients(port_of(live_web), [beginning] * 12) as clients:
        wait_until(lambda: clients.answers.total() >= 4, what="refusals")
        assert {line.split()[1] for _, line in clients.answers} == {b"503"}
        assert requests.post(f"{live_web}{SESSION}", "a" * DEFAULT, timeout=10).status_code == 403
    wait_until(
        lambda: requests.post(f"{live_web}/calendars/add/", "a" * MAX_FILE, timeout=30).status_code == 403,
        what="an upload once the others are gone",
    )


def test_a_header_with_an_underscore_is_none_of_the_proxys(
    process_environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    process_environment |= {"NOTICE_BEHIND_PROXY": "yes", "SECURE_SSL_REDIRECT": "yes"}
    url: str = request.getfixturevalue("live_web")
    assert status_of(url, head(SESSION, "X-Forwarded-Proto: https")) == 403
    assert status_of(url, head(SESSION, "X_Forwarded_Proto: https")) == 301


def test_the_pages_get_the_whole_request_and_give_the_whole_answer(live_web: str) -> None:
    token = requests.get(f"{live_web}{LOGIN}", timeout=10).cookies["csrftoken"]
    form = f"csrfmiddlewaretoken={token}&username=a&password=b"
    cookies = ("Cookie: other=1", f"Cookie: csrftoken={token}")  # in two headers: one list
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}")
    assert status_of(live_web, head(LOGIN, *cookies, *lines) + form.encode()) == 200

    file = f"{live_web}/static/favicon.svg"
    whole, only_head = requests.get(file, timeout=10), requests.head(file, timeout=10)
    part = requests.get(file, headers={"Range": "bytes=0-9"}, timeout=10)
    assert (whole.status_code, part.status_code, only_head.status_code) == (200, 206, 200)
    assert part.content == whole.content[:10]
    assert len(whole.content) == int(only_head.headers["Content-Length"]) > 100
