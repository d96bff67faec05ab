import itertools
import socket
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from common.http import Failure, Request
from tests.exchanges import one
from tests.push_service import reset
from tests.raw_server import NO_CONTENT, Behaviour, RawServer, Serve, answer_once, answer_with, silence
from tests.tls import server_context

BOTH = pytest.mark.parametrize("is_repeatable", [True, False])


def reset_after_reading(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    reset(connection)


def reset_without_reading(connection: socket.socket, server: RawServer) -> None:
    connection.recv(1, socket.MSG_PEEK)
    reset(connection)


def half_a_body(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")


def half_a_head(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    connection.sendall(b"HTTP/1.1 201 Cre")


def garbage(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    connection.sendall(b"\x00\x01\x02 no HTTP at all\r\n\r\n")


def slow_body(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
    while not server.is_over.wait(0.02):
        connection.sendall(b"x")


def close_after_reading(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)


@BOTH
@pytest.mark.parametrize(
    "behave",
    [reset_after_reading, silence, half_a_body, half_a_head, garbage, slow_body, close_after_reading],
)
def test_what_was_written_and_not_answered_is_unknown(
    serve: Serve, behave: Behaviour, *, is_repeatable: bool
) -> None:
    server = serve(behave)
    reply = one(Request(server.url, b"x" * 100, is_repeatable=is_repeatable), timeout=0.5)
    assert reply.error is Failure.UNKNOWN
    assert reply.reason
    assert len(server.requests) == 1


def test_a_connection_that_is_reset_before_it_was_read_may_have_taken_the_request(serve: Serve) -> None:
    assert one(Request(serve(reset_without_reading).url, b"x"), timeout=2).error is Failure.UNKNOWN


def test_a_get_without_an_answer_is_unknown(serve: Serve) -> None:
    assert one(Request(serve(silence).url, method="GET"), timeout=0.3).error is Failure.UNKNOWN


@BOTH
def test_a_refused_connection_is_not_sent(serve: Serve, *, is_repeatable: bool) -> None:
    server = serve(silence)
    server.__exit__(None, None, None)
    assert one(Request(server.url, b"x", is_repeatable=is_repeatable)).error is Failure.NOT_SENT


@BOTH
def test_a_name_that_does_not_exist_is_not_sent(*, is_repeatable: bool) -> None:
    assert (
        one(Request("https://nowhere.invalid/", b"x", is_repeatable=is_repeatable)).error is Failure.NOT_SENT
    )


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "", "https://", "https://é/", "no"]
)
@BOTH
def test_a_url_that_can_not_be_used_is_not_sent(serve: Serve, url: str, *, is_repeatable: bool) -> None:
    assert one(Request(url, b"x", is_repeatable=is_repeatable)).error is Failure.NOT_SENT


@pytest.mark.parametrize("line", ["X: a\r\nY: b", "X: a\nY: b", "X: \0"])
@BOTH
def test_a_header_with_a_line_break_is_not_sent(serve: Serve, line: str, *, is_repeatable: bool) -> None:
    server = serve(answer_with(NO_CONTENT))
    assert one(Request(server.url, b"x", (line,), is_repeatable=is_repeatable)).error is Failure.NOT_SENT
    assert server.requests == []


@BOTH
def test_a_server_that_never_takes_the_connection_is_not_sent(serve: Serve, *, is_repeatable: bool) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for filler in waiting:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        reply = one(Request(f"http://127.0.0.1:{port}/", b"x", is_repeatable=is_repeatable), timeout=0.5)
        for filler in waiting:
            filler.close()
    assert reply.error is Failure.NOT_SENT


@BOTH
def test_a_certificate_that_is_not_trusted_is_not_sent(
    serve: Serve, tmp_path: Path, *, is_repeatable: bool
) -> None:
    server = serve(answer_with(NO_CONTENT), server_context(tmp_path))
    reply = one(Request(server.url, b"x", is_repeatable=is_repeatable))
    assert (reply.error, reply.reason) == (Failure.NOT_SENT, "the certificate of the server is not trusted")
    assert server.requests == []


@BOTH
def test_a_certificate_for_another_name_is_not_sent(
    serve: Serve, tmp_path: Path, settings: Settings, *, is_repeatable: bool
) -> None:
    server = serve(answer_with(NO_CONTENT), server_context(tmp_path))
    settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
    assert one(Request(server.url, b"x", is_repeatable=is_repeatable)).status == 204
    assert (
        one(Request(f"https://127.0.0.2:{server.port}/", b"x", is_repeatable=is_repeatable)).error
        is Failure.NOT_SENT
    )
    assert len(server.requests) == 1


@BOTH
def test_a_server_that_speaks_no_tls_is_not_sent(serve: Serve, *, is_repeatable: bool) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 This is a plain server\r\n\r\n")

    assert (
        one(Request(serve(behave).url.replace("http", "https"), b"x", is_repeatable=is_repeatable)).error
        is Failure.NOT_SENT
    )


# Never twice


def then(*behaviours: Behaviour) -> Behaviour:
    """Behave differently to each connection in turn."""
    turn = itertools.chain(behaviours, itertools.repeat(behaviours[-1]))

    def behave(connection: socket.socket, server: RawServer) -> None:
        next(turn)(connection, server)

    return behave


def answer_once_then_swallow(connection: socket.socket, server: RawServer) -> None:
    """Answer the first request and keep the connection; take the second one and close."""
    server.read(connection)
    connection.sendall(NO_CONTENT)
    server.read(connection)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("body", [b"", b"call +15005550006"])
def test_a_request_is_not_repeated_when_a_kept_connection_dies(
    serve: Serve, method: str, body: bytes
) -> None:
    server = serve(answer_once_then_swallow)
    first, second = (Request(server.url, body, method=method) for _ in range(2))
    assert one(first).status == 204
    reply = one(second, timeout=1)
    sent = len(server.requests)
    assert sent == 2, "once each"
    # Without a body a connection of its own is taken, which does answer.
    assert reply.error is (Failure.UNKNOWN if body else None)


def test_a_repeatable_request_survives_a_kept_connection_that_dies(serve: Serve) -> None:
    server = serve(then(answer_once_then_swallow, answer_with(NO_CONTENT)))
    request = Request(server.url, b"x", is_repeatable=True)
    assert [one(request).status for _ in range(2)] == [204, 204]
    assert len(server.requests) == 3


def test_a_request_on_a_connection_that_was_closed_while_idle_is_sent_once(serve: Serve) -> None:
    server = serve(answer_once(NO_CONTENT))
    for number in range(2):
        assert one(Request(server.url, b"%d" % number)).status == 204
        time.sleep(1.2)  # libcurl looks whether a connection is still open when it was idle for a second
    assert [sent.partition(b"\r\n\r\n")[2] for sent in server.requests] == [b"0", b"1"]
