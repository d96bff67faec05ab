import gzip
import socket
import time
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from pytest_django import Settings

from common.errors import AddressError, PrivateAddressError, ProviderError
from common.http import fetch
from tests.raw_server import Behaviour, RawServer, Serve, answer_with
from tests.tls import server_context


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str) -> Behaviour:
    return answer_with(page(b"moved", f"Location: {location}", status="302 Found"))


def test_a_document_comes_with_its_status_and_headers(serve: Serve) -> None:
    server = serve(answer_with(page(b"BEGIN:VCALENDAR", 'ETag: "1"', "Content-Type: text/calendar")))
    fetched = fetch(f"{server.url}/a.ics", headers={"If-None-Match": '"0"'})
    assert (fetched.status, fetched.body, fetched.final_url) == (
        200,
        b"BEGIN:VCALENDAR",
        f"{server.url}/a.ics",
    )
    assert fetched.headers["etag"] == '"1"'
    assert fetched.headers["content-type"] == "text/calendar"
    assert b'\r\nIf-None-Match: "0"\r\n' in server.requests[0]


def test_an_unchanged_document_has_no_body(serve: Serve) -> None:
    server = serve(answer_with(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"))
    fetched = fetch(server.url, headers={"If-None-Match": "x"})
    assert (fetched.status, fetched.body) == (304, b"")


def test_a_refusal_is_an_answer(serve: Serve) -> None:
    assert fetch(serve(answer_with(page(b"gone", status="410 Gone"))).url).status == 410


def test_a_compressed_document_is_decompressed(serve: Serve) -> None:
    server = serve(answer_with(page(gzip.compress(b"calendar"), "Content-Encoding: gzip")))
    assert fetch(server.url).body == b"calendar"


def test_a_compressed_bomb_is_stopped(serve: Serve) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    server = serve(answer_with(page(bomb, "Content-Encoding: gzip")))
    with pytest.raises(ProviderError, match="too large"):
        fetch(server.url, max_bytes=1_000_000)


def test_a_document_that_is_too_large_is_not_read_to_its_end(serve: Serve) -> None:
    server = serve(answer_with(page(bytes(50_000_000))))
    with pytest.raises(ProviderError, match="too large"):
        fetch(server.url, max_bytes=1_000_000)


def test_endless_headers_are_stopped(serve: Serve) -> None:
    server = serve(answer_with(page(b"", *[f"X-{number}: {'a' * 900}" for number in range(200)])))
    with pytest.raises(ProviderError):
        fetch(server.url)


def test_a_document_that_breaks_off_is_no_document(serve: Serve) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nBEGIN:VCAL")

    with pytest.raises(ProviderError, match="broke off"):
        fetch(serve(behave).url)


def test_a_server_that_drips_is_given_up(serve: Serve) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.is_over.wait(0.05):
            connection.sendall(b"x")

    began = time.monotonic()
    with pytest.raises(ProviderError, match="too long"):
        fetch(serve(behave).url, timeout=0.5)
    assert time.monotonic() - began < 3


def test_a_server_that_is_not_there_has_a_sentence(serve: Serve) -> None:
    server = serve(answer_with(b""))
    server.__exit__(None, None, None)
    with pytest.raises(ProviderError, match="can't be reached"):
        fetch(server.url)


def test_a_redirect_is_followed(serve: Serve) -> None:
    last = serve(answer_with(page(b"here")))
    first = serve(redirect(f"{last.url}/there"))
    fetched = fetch(first.url)
    assert (fetched.body, fetched.final_url) == (b"here", f"{last.url}/there")


def test_a_relative_redirect_is_followed(serve: Serve) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        while request := server.read(connection):
            moved = page(b"", "Location: ../b c", status="301 Moved")
            connection.sendall(page(b"here") if b"GET /b%20c " in request else moved)

    assert fetch(f"{serve(behave).url}/a/x").body == b"here"


def test_a_circle_of_redirects_ends(serve: Serve) -> None:
    server = serve(redirect("/again"))
    with pytest.raises(ProviderError, match="more than 3 times"):
        fetch(server.url, max_redirects=3)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "http://[::1]:9999/", "http://169.254.169.254/latest"]
)
def test_a_redirect_into_a_private_network_is_refused(serve: Serve, target: str) -> None:
    with pytest.raises(PrivateAddressError):
        fetch(serve(redirect(target)).url)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.com/", "javascript:1", "http://a:b@x.com/"]
)
def test_a_redirect_to_another_kind_of_address_is_refused(serve: Serve, target: str) -> None:
    with pytest.raises(AddressError):
        fetch(serve(redirect(target)).url)


def test_a_private_address_is_refused(settings: Settings) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    with pytest.raises(PrivateAddressError):
        fetch("http://127.0.0.1:8000/")


def test_a_name_that_leads_to_a_private_address_is_refused_at_the_connection(
    serve: Serve, settings: Settings
) -> None:
    server = serve(answer_with(page(b"secret")))
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["10.0.0.0/8"]
    with pytest.raises(PrivateAddressError):
        fetch(f"http://localhost:{server.port}/")
    assert server.connections == 0


def test_the_password_is_sent_to_the_first_server_only(serve: Serve) -> None:
    last = serve(answer_with(page(b"here")))
    first = serve(redirect(last.url))
    fetch(first.url, username="anna", password="pass:word", headers={"Authorization": "kept", "X-Kept": "1"})
    expected = b64encode(b"anna:pass:word")
    assert b"Authorization: " in first.requests[0]
    assert b"uthorization" not in last.requests[0]
    assert b"X-Kept: 1" in last.requests[0]
    fetch(first.url, headers={"Authorization": "kept"})
    assert b"uthorization" not in last.requests[-1]
    fetch(first.url, username="anna", password="pass:word")
    assert b"Authorization: Basic " + expected in first.requests[-1]
    assert b"uthorization" not in last.requests[-1]


def test_a_redirect_from_https_to_http_is_refused(serve: Serve, tmp_path: Path, settings: Settings) -> None:
    plain = serve(answer_with(page(b"here")))
    secure = serve(redirect(plain.url), server_context(tmp_path))
    settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
    with pytest.raises(AddressError, match="from https to http"):
        fetch(secure.url)
    assert plain.connections == 0


def test_a_certificate_that_is_not_trusted_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve(answer_with(page(b"here")), server_context(tmp_path))
    with pytest.raises(ProviderError, match="not trusted"):
        fetch(server.url)


def test_a_header_with_a_line_break_is_refused(serve: Serve) -> None:
    server = serve(answer_with(page(b"here")))
    with pytest.raises(ValueError, match="line break"):
        fetch(server.url, headers={"If-None-Match": "a\r\nX: b"})
