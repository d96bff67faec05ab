import itertools
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from common.http import Failure, Reply, Request, exchange
from tests.push_service import reset
from tests.raw_server import NO_CONTENT, Behaviour, RawServer, answer_with
from tests.tls import server_context

Serve = Callable[..., RawServer]
BOTH = pytest.mark.parametrize("is_repeatable", [True, False])


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with ExitStack() as stack:
        yield lambda *args, **named: stack.enter_context(RawServer(*args, **named))


def one(request: Request, **options: Any) -> Reply:
    (reply,) = [reply for reply in exchange([request], **options) if reply is not None]
    return reply


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def then(*behaviours: Behaviour) -> Behaviour:
    """Behave differently to each connection in turn."""
    turn = itertools.chain(behaviours, itertools.repeat(behaviours[-1]))

    def behave(connection: socket.socket, server: RawServer) -> None:
        next(turn)(connection, server)

    return behave


# Answers


def test_the_reply_holds_the_tag_the_status_the_body_and_the_wanted_header(serve: Serve) -> None:
    server = serve(answer_with(ok(b"hello", "Location: /m/1", "X-Other: 2")))
    tag = object()
    reply = one(Request(f"{server.url}/a?b=1", b"body", ("X-One: 1",), tag, wanted_header="location"))
    assert reply == Reply(tag, 200, b"hello", None, None, "", "/m/1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=1 HTTP/1.1\r\n")
    assert b"\r\nX-One: 1" in head
    assert body == b"body"


@BOTH
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [b"", b"b" * 200_000])
def test_every_method_is_sent_with_its_body(
    serve: Serve, method: str, body: bytes, *, is_repeatable: bool
) -> None:
    server = serve(answer_with(NO_CONTENT))
    request = Request(f"{server.url}/x", body, method=method, is_repeatable=is_repeatable)
    assert [one(request).status for _ in range(3)] == [204] * 3
    assert {sent.split(b" ")[0] for sent in server.requests} == {method.encode()}
    assert {sent.partition(b"\r\n\r\n")[2] for sent in server.requests} == {body}


def test_retry_after_is_read_as_seconds(serve: Serve) -> None:
    server = serve(answer_with(b"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"))
    reply = one(Request(server.url, b"x"))
    assert (reply.status, reply.retry_after, reply.error) == (429, timedelta(seconds=120), None)


def test_retry_after_is_read_as_a_date(serve: Serve) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server = serve(
        answer_with(f"HTTP/1.1 503 No\r\nRetry-After: {date}\r\nContent-Length: 0\r\n\r\n".encode())
    )
    wait = one(Request(server.url, b"x")).retry_after
    assert wait is not None
    assert timedelta(seconds=80) < wait <= timedelta(seconds=91)


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    server = serve(answer_with(b"HTTP/1.1 302 Go\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"))
    assert one(Request(server.url, b"x")).status == 302
    assert len(server.requests) == 1


def test_of_a_huge_answer_only_the_beginning_is_kept(serve: Serve) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1600):
            connection.sendall(b"x" * 62_500)

    server = serve(behave)
    began = time.monotonic()
    reply = one(Request(server.url, b"x"))
    assert (reply.status, reply.error, len(reply.body)) == (200, None, 65_536)
    assert time.monotonic() - began < 5


def test_a_refusal_whose_page_breaks_off_is_a_refusal(serve: Serve) -> None:
    server = serve(answer_once(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf"))
    reply = one(Request(server.url, b"x"))
    assert (reply.status, reply.error) == (500, None)


def test_a_handle_that_is_used_again_takes_nothing_from_the_request_before(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    headers = ("X-First: 1",)
    first = Request(f"{server.url}/first", b"first", headers)
    assert one(first).status == 204
    for spoilt in ("https://é/", "", "no\0"):
        assert one(first._replace(url=spoilt)).error is Failure.NOT_SENT
    assert one(first._replace(headers=("bad\n",))).error is Failure.NOT_SENT
    assert one(Request(f"{server.url}/second", b"2")).status == 204
    assert one(first).status == 204
    heads, bodies = zip(*(sent.split(b"\r\n\r\n") for sent in server.requests), strict=True)
    assert [head.split(b" ")[1] for head in heads] == [b"/first", b"/second", b"/first"]
    assert [b"X-First" in head for head in heads] == [True, False, True]
    assert bodies == (b"first", b"2", b"first")


# Sent, or not sent


def answer_once(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(answer)

    return behave


def silence(connection: socket.socket, server: RawServer) -> None:
    server.read(connection)
    server.is_over.wait(20)


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


# The guard


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://0/"]
)
@BOTH
def test_a_private_address_is_refused(settings: Settings, url: str, *, is_repeatable: bool) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    assert one(Request(url, b"x", is_repeatable=is_repeatable)).error is Failure.PRIVATE


@BOTH
def test_a_name_that_leads_to_a_private_address_is_refused(
    serve: Serve, settings: Settings, *, is_repeatable: bool
) -> None:
    server = serve(answer_with(NO_CONTENT))
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    assert (
        one(Request(f"http://localhost:{server.port}/", b"x", is_repeatable=is_repeatable)).error
        is Failure.PRIVATE
    )
    assert server.connections == 0


def test_a_guarded_request_does_not_use_the_connection_of_an_unguarded_one(
    serve: Serve, settings: Settings
) -> None:
    server = serve(answer_with(NO_CONTENT))
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    unguarded, guarded = (Request(server.url, b"x", is_guarded=flag) for flag in (False, True))
    replies = [one(request) for request in (unguarded, guarded, unguarded, guarded)]
    assert [reply.status or reply.error for reply in replies] == [204, Failure.PRIVATE, 204, Failure.PRIVATE]
    assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_made_under_other_settings_is_not_used(serve: Serve, settings: Settings) -> None:
    server = serve(answer_with(NO_CONTENT))
    assert one(Request(server.url, b"x")).status == 204
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    assert one(Request(server.url, b"x")).error is Failure.PRIVATE


def test_a_proxy_of_the_environment_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(answer_with(b"HTTP/1.1 418 Proxy\r\nContent-Length: 0\r\n\r\n"))
    server = serve(answer_with(NO_CONTENT))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert one(Request(server.url, b"x")).status == 204


# The stream


def test_a_connection_is_kept_between_exchanges(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    for _ in range(5):
        assert one(Request(server.url, b"x")).status == 204
    assert server.connections == 1


def test_requests_are_read_only_as_there_is_room(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    read = 0

    def endless() -> Iterator[Request]:
        nonlocal read
        for number in itertools.count():
            read += 1
            yield Request(server.url, b"x", (), number)

    found: Any = exchange(endless(), max_in_flight=8)
    known = [reply for reply in itertools.islice(found, 200) if reply is not None]
    found.close()
    assert read - len(known) <= 16
    assert one(Request(server.url, b"x")).status == 204


def test_many_requests_all_have_their_reply(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    requests = [Request(f"{server.url}/{number}", b"x", (), number) for number in range(500)]
    replies = [reply for reply in exchange(requests, max_in_flight=50) if reply is not None]
    assert sorted(reply.tag for reply in replies) == list(range(500))
    assert {reply.status for reply in replies} == {204}


def test_a_reply_among_the_requests_is_handed_through(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    known = Reply("known", error=Failure.NOT_SENT)
    replies = [
        reply for reply in exchange([known, Request(server.url, b"x", (), "sent")]) if reply is not None
    ]
    assert {reply.tag for reply in replies} == {"known", "sent"}
    assert known in replies


def test_none_comes_about_every_50_ms_of_silence(serve: Serve) -> None:
    server = serve(silence)
    found: Any = exchange([Request(server.url, b"x")], timeout=5)
    began = time.monotonic()
    assert [next(found) for _ in range(4)] == [None] * 4
    assert 0.15 < time.monotonic() - began < 1
    found.close()


def test_waiting_costs_next_to_no_processor_time(serve: Serve) -> None:
    server = serve(silence)
    began = time.process_time()
    assert one(Request(server.url, b"x"), timeout=1).error is Failure.UNKNOWN
    assert time.process_time() - began < 0.2


def test_a_time_out_of_one_request_holds_nobody_else(serve: Serve) -> None:
    slow, fast = serve(silence), serve(answer_with(NO_CONTENT))
    requests = [Request(slow.url, b"x", (), "slow", timeout=0.3), Request(fast.url, b"x", (), "fast")]
    replies = [reply for reply in exchange(requests, timeout=5) if reply is not None]
    assert [(reply.tag, reply.error) for reply in replies] == [("fast", None), ("slow", Failure.UNKNOWN)]


def test_a_fault_of_the_source_is_raised_after_what_was_under_way(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))

    def source() -> Iterator[Request]:
        yield Request(server.url, b"x")
        message = "the database is gone"
        raise LookupError(message)

    found = exchange(source())
    assert next(reply for reply in found if reply is not None).status == 204
    with pytest.raises(LookupError, match="the database is gone"):
        list(found)


def test_an_exchange_inside_an_exchange_does_not_disturb_it(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    inner: list[Reply | None] = []

    def source() -> Iterator[Request]:
        for number in range(3):
            inner.extend(exchange([Request(server.url, b"inner", (), number)]))
            yield Request(server.url, b"outer", (), number)

    outer = [reply for reply in exchange(source()) if reply is not None]
    assert sorted(reply.tag for reply in outer) == [0, 1, 2]
    assert [reply.tag for reply in inner if reply is not None] == [0, 1, 2]


def test_threads_exchange_at_the_same_time(serve: Serve) -> None:
    server = serve(answer_with(NO_CONTENT))
    statuses: list[int] = []

    def work() -> None:
        replies = exchange(Request(server.url, b"x") for _ in range(100))
        statuses.extend(reply.status for reply in replies if reply is not None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [204] * 400


def _exchange_in_child(url: str) -> None:
    os._exit(0 if one(Request(url, b"child")).status == 204 else 1)


def test_a_forked_child_makes_connections_of_its_own_and_leaves_its_parents_alone(
    serve: Serve, tmp_path: Path, settings: Settings
) -> None:
    server = serve(answer_with(NO_CONTENT), server_context(tmp_path))
    settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
    assert one(Request(server.url, b"parent")).status == 204
    child = multiprocessing.get_context("fork").Process(target=_exchange_in_child, args=(server.url,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert one(Request(server.url, b"parent")).status == 204
    assert server.connections == 2
