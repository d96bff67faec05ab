import pytest
from pytest_django import Settings

from common.http import Failure, Request
from tests.exchanges import one
from tests.raw_server import NO_CONTENT, Serve, answer_with

BOTH = pytest.mark.parametrize("is_repeatable", [True, False])


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
