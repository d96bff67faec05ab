"""How Google is reached: one answer, bounded in bytes and in time, from the configured address alone."""

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from common.errors import ProviderError
from eventupdate.providers.google.http import MAX_PAGE_BYTES, ApiHttp, Deadline, revoke
from tests.raw_server import Behaviour, RawServer, answer_with


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def served(stack: ExitStack, behave: Behaviour) -> RawServer:
    return stack.enter_context(RawServer(behave))


def drip(connection: socket.socket, server: RawServer) -> None:
    """Answer a byte each tenth of a second: no single wait is long."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not server.is_over.wait(0.1):
        connection.sendall(b"x")


def test_a_configured_address_may_be_private(stack: ExitStack) -> None:
    server = served(stack, answer_with(page(b"{}", "X-Name: value")))
    response, content = ApiHttp(Deadline(5)).request(f"{server.url}/x", headers={"accept-encoding": "zzz"})
    assert (response.status, response["x-name"], content) == (200, "value", b"{}")
    assert b"zzz" not in server.requests[0]


def test_a_redirect_is_not_followed(stack: ExitStack) -> None:
    elsewhere = served(stack, answer_with(page(b"{}")))
    server = served(stack, answer_with(page(b"", f"Location: {elsewhere.url}/", status="302 Found")))
    with pytest.raises(ProviderError):
        ApiHttp(Deadline(5)).request(server.url, headers={"authorization": "Bearer secret"})
    assert elsewhere.requests == []


def test_an_answer_that_unpacks_to_too_much_is_broken_off(stack: ExitStack) -> None:
    packed = gzip.compress(bytes(MAX_PAGE_BYTES + 1))
    server = served(stack, answer_with(page(packed, "Content-Encoding: gzip")))
    with pytest.raises(ProviderError, match="too large"):
        ApiHttp(Deadline(20)).request(server.url)


def test_an_answer_that_drips_in_is_broken_off_at_the_deadline(stack: ExitStack) -> None:
    server = served(stack, drip)
    began = time.monotonic()
    with pytest.raises(ProviderError, match="took too long"):
        ApiHttp(Deadline(0.5)).request(server.url)
    assert time.monotonic() - began < 5


def test_after_the_deadline_nothing_is_asked(stack: ExitStack) -> None:
    server = served(stack, answer_with(page(b"{}")))
    with pytest.raises(ProviderError, match="took too long"):
        ApiHttp(Deadline(0)).request(server.url)
    assert server.requests == []


def test_a_token_is_given_back_in_the_body_not_in_the_address(stack: ExitStack) -> None:
    server = served(stack, answer_with(page(b"{}")))
    assert revoke(f"{server.url}/revoke", "1//a b&c")
    assert server.requests[0].startswith(b"POST /revoke HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"token=1%2F%2Fa+b%26c")
