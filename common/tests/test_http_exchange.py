import itertools
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from common.http import Failure, Reply, Request, exchange, fetch
from common.http.handles import ca_file
from tests.exchanges import one
from tests.raw_server import NO_CONTENT, RawServer, Serve, answer_once, answer_with, silence
from tests.tls import server_context

BOTH = pytest.mark.parametrize("is_repeatable", [True, False])


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_the_reply_holds_the_tag_the_status_the_body_and_the_wanted_headers(serve: Serve) -> None:
    server = serve(answer_with(ok(b"hello", "Location: /m/1", "X-Other: 2")))
    tag = object()
    reply = one(
        Request(f"{server.url}/a?b=1", b"body", ("X-One: 1",), tag, wanted_headers=frozenset({b"location"}))
    )
    assert reply == Reply(tag, 200, b"hello", None, None, "", {"location": "/m/1"})
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
    began = time.thread_time()
    assert one(Request(server.url, b"x"), timeout=1).error is Failure.UNKNOWN
    assert time.thread_time() - began < 0.2


def test_a_time_out_of_one_request_delays_no_other(serve: Serve) -> None:
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


def test_certificates_may_lie_in_a_folder_with_letters_of_any_language(
    serve: Serve, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Prüfstand 計器"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    server = serve(answer_with(NO_CONTENT), server_context(folder))
    settings.NOTICE_EXTRA_CA_FILE = str(folder / "certificate.pem")
    assert "計器" in ca_file()
    assert one(Request(server.url)).status == 204
    assert fetch(server.url).status == 204
