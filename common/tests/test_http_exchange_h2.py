from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from h2.errors import ErrorCodes
from pytest_django import Settings

from common.http import Failure, Reply, Request, exchange
from tests.h2_server import Answer, H2Connection, accept, h2_server
from tests.raw_server import RawServer

Serve = Callable[[Answer], RawServer]
BOTH = pytest.mark.parametrize("is_repeatable", [True, False])


@pytest.fixture
def serve(tmp_path: Path, settings: Settings) -> Iterator[Serve]:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(h2_server(tmp_path, answer))


def all_of(requests: list[Request], **options: Any) -> list[Reply]:
    return [reply for reply in exchange(requests, **options) if reply is not None]


def on_first(answer: Answer) -> Answer:
    """Answer the first request of all so, and accept the others."""

    def choose(connection: H2Connection, stream: int) -> bool:
        return (answer if len(connection.server.requests) == 1 else accept)(connection, stream)

    return choose


def silence(connection: H2Connection, stream: int) -> bool:
    return True


def refuse(connection: H2Connection, stream: int) -> bool:
    connection.state.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
    return True


def break_stream(connection: H2Connection, stream: int) -> bool:
    connection.state.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    return True


def go_away(connection: H2Connection, stream: int) -> bool:
    connection.state.close_connection(ErrorCodes.INTERNAL_ERROR)
    return False


def hang_up(connection: H2Connection, stream: int) -> bool:
    return False


@BOTH
def test_many_requests_share_one_connection(serve: Serve, *, is_repeatable: bool) -> None:
    server = serve(accept)
    requests = [Request(server.url, b"%d" % n, (), n, is_repeatable=is_repeatable) for n in range(300)]
    replies = all_of(requests, max_in_flight=64)  # the server takes 100 at once
    assert {reply.status for reply in replies} == {204}
    assert sorted(server.requests, key=int) == [b"%d" % n for n in range(300)]
    assert server.connections == 1


@BOTH
@pytest.mark.parametrize("answer", [silence, break_stream, go_away, hang_up])
def test_what_was_written_and_not_answered_is_unknown(
    serve: Serve, answer: Answer, *, is_repeatable: bool
) -> None:
    server = serve(answer)
    (reply,) = all_of([Request(server.url, b"x", is_repeatable=is_repeatable)], timeout=0.5)
    assert (reply.status, reply.error) == (0, Failure.UNKNOWN)
    assert server.requests == [b"x"]


@pytest.mark.parametrize("answer", [refuse, break_stream, go_away, hang_up])
def test_a_request_is_not_repeated_on_a_kept_connection(serve: Serve, answer: Answer) -> None:
    def choose(connection: H2Connection, stream: int) -> bool:
        return (answer if len(connection.server.requests) == 2 else accept)(connection, stream)

    server = serve(choose)
    assert all_of([Request(server.url, b"one")])[0].status == 204
    (reply,) = all_of([Request(server.url, b"two")], timeout=2)
    assert reply.error is Failure.UNKNOWN
    assert server.requests == [b"one", b"two"]


def test_a_repeatable_request_that_the_server_refused_to_begin_is_repeated(serve: Serve) -> None:
    server = serve(on_first(refuse))
    (reply,) = all_of([Request(server.url, b"x", is_repeatable=True)], timeout=2)
    assert reply.status == 204
    assert server.requests == [b"x", b"x"]


def test_one_broken_request_does_not_harm_its_neighbours(serve: Serve) -> None:
    server = serve(on_first(break_stream))
    replies = all_of([Request(server.url, b"%d" % n, (), n) for n in range(20)])
    broken = [reply for reply in replies if reply.error is not None]
    assert [reply.error for reply in broken] == [Failure.UNKNOWN]
    assert sorted(server.requests, key=int) == [b"%d" % n for n in range(20)]


def test_a_connection_that_dies_under_many_requests_sends_none_of_them_twice(serve: Serve) -> None:
    def choose(connection: H2Connection, stream: int) -> bool:
        return (go_away if len(connection.server.requests) == 10 else accept)(connection, stream)

    server = serve(choose)
    replies = all_of([Request(server.url, b"%d" % n, (), n) for n in range(40)], timeout=5)
    assert len(replies) == 40
    assert len(server.requests) == len(set(server.requests)), "none came twice"
    taken = {int(body) for body in server.requests}
    safe = {reply.tag for reply in replies if reply.error is Failure.NOT_SENT}
    assert not taken & safe, "what is called not sent did not arrive"
    assert {reply.tag for reply in replies if reply.error is None} <= taken
