"""Fetching, from a real server on loopback."""

import gzip
import time
import zlib
from typing import Any

import pytest

from common.errors import FeedError
from eventupdate.providers.ical import read_address, split_address
from eventupdate.reading import Reading
from eventupdate.tests.feed_server import Answer, FeedServer, Handler
from eventupdate.tests.texts import calendar, single
from registration.models import Calendar


def feed(server: FeedServer, **columns: Any) -> Calendar:
    return Calendar(**{"url": server.url, **columns})


def read(row: Calendar, *, is_fresh: bool = False) -> Reading | None:
    return read_address(row, is_fresh=is_fresh)


def whole(row: Calendar) -> Reading:
    reading = read(row)
    assert reading is not None
    return reading


def refusal(row: Calendar) -> str:
    with pytest.raises(FeedError) as caught:
        read(row)
    return caught.value.message


def give(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    return lambda handler: handler.give(status, body, headers)


def test_a_feed_is_read_and_what_tells_of_a_change_is_kept(server: FeedServer) -> None:
    server.serve(calendar(single()))
    reading = whole(feed(server))
    assert [resource.uid for resource in reading.resources] == ["one@test"]
    assert reading.state["etag"].endswith(server.etag)
    assert reading.state["last_modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_an_unmodified_feed_is_not_sent_again(server: FeedServer) -> None:
    server.serve(calendar(single()))
    row = feed(server)
    row = feed(server, **whole(row).state)
    assert read(row, is_fresh=True) is None
    assert server.requests[-1]["if-none-match"] == server.etag
    assert server.requests[-1]["if-modified-since"] == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_a_server_that_goes_by_the_date_alone_sends_nothing_again(server: FeedServer) -> None:
    server.has_etag = False
    server.serve(calendar(single()))
    state = whole(feed(server)).state

    def answer(handler: Handler) -> None:
        assert handler.headers["If-Modified-Since"] == state["last_modified"]
        handler.give(304, b"")

    server.answer = answer
    assert read(feed(server, **state), is_fresh=True) is None


def test_a_feed_that_is_sent_again_unchanged_is_unchanged(server: FeedServer) -> None:
    server.has_etag = False
    server.serve(calendar(single()))
    row = feed(server, **whole(feed(server)).state)
    assert read(row, is_fresh=True) is None


def test_the_same_text_under_another_etag_is_no_change_and_the_new_one_is_sent_the_next_time(
    server: FeedServer,
) -> None:
    server.serve(calendar(single()))
    state = whole(feed(server)).state
    server.answer = give(200, server.content, {"ETag": '"other"'})
    again = read(feed(server, **state), is_fresh=True)
    assert again is not None
    assert (again.resources, again.removed, again.is_whole) == ([], [], False)
    read(feed(server, **{**state, **again.state}), is_fresh=True)
    assert server.requests[-1]["if-none-match"] == '"other"'


def test_a_feed_is_asked_for_as_a_whole_where_what_is_stored_does_not_suffice(server: FeedServer) -> None:
    server.serve(calendar(single()))
    row = feed(server, **whole(feed(server)).state)
    assert read(row, is_fresh=False) is not None
    assert "if-none-match" not in server.requests[-1]


def test_a_changed_address_asks_for_the_whole_feed(server: FeedServer) -> None:
    server.serve(calendar(single()))
    state = whole(feed(server)).state
    read(feed(server, **{**state, "url": f"http://{server.address}/other.ics"}), is_fresh=True)
    assert "if-none-match" not in server.requests[-1]
    assert "if-modified-since" not in server.requests[-1]


def test_a_user_name_and_password_in_the_address_go_into_a_header(server: FeedServer) -> None:
    server.serve(calendar(single()))
    whole(feed(server, url=f"http://me:p%40ss@{server.address}/calendar.ics?key=1"))
    assert server.requests[-1]["authorization"] == "Basic bWU6cEBzcw=="
    assert server.paths[-1] == "/calendar.ics?key=1"


def test_the_calendar_s_own_user_name_goes_before_that_of_the_address(server: FeedServer) -> None:
    server.serve(calendar(single()))
    whole(feed(server, url=f"http://you:x@{server.address}/calendar.ics", user_name="me", password="p@ss"))
    assert server.requests[-1]["authorization"] == "Basic bWU6cEBzcw=="


def test_the_password_does_not_follow_a_redirect_to_another_server(server: FeedServer) -> None:
    with FeedServer(calendar(single())) as other:
        server.answer = give(302, b"", {"Location": other.url})
        whole(feed(server, user_name="me", password="p@ss"))
        assert "authorization" in server.requests[-1]
        assert "authorization" not in other.requests[-1]


def test_another_user_gets_the_whole_feed(server: FeedServer) -> None:
    server.serve(calendar(single()))
    state = whole(feed(server)).state
    read(feed(server, **state, user_name="me", password="p@ss"), is_fresh=True)
    assert "if-none-match" not in server.requests[-1]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("webcal://example.org/a.ics", "https://example.org/a.ics"),
        ("WEBCAL://example.org/a.ics", "https://example.org/a.ics"),
        ("webcals://example.org", "https://example.org"),
        ("http://example.org:8080/a?b=c#d", "http://example.org:8080/a?b=c"),
        (" https://[2001:db8::1]:8443/a ", "https://[2001:db8::1]:8443/a"),
    ],
)
def test_addresses_are_brought_to_the_form_that_is_fetched(address: str, url: str) -> None:
    assert split_address(address) == (url, "", "")


@pytest.mark.parametrize(
    "address",
    ["", "example.org/a.ics", "ftp://example.org/a", "file:///etc/passwd", "https://", "http://a:b/"],
)
def test_what_is_no_address_of_a_calendar_is_refused(address: str) -> None:
    with pytest.raises(FeedError, match="not the address of a calendar"):
        split_address(address)


def test_plain_http_is_told_of(server: FeedServer) -> None:
    server.serve(calendar(single()))
    assert "Use https" in whole(feed(server)).notes[0]


def test_a_private_address_is_refused(server: FeedServer, settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    assert "private network" in refusal(feed(server))
    assert server.requests == []


def test_a_redirect_is_followed(server: FeedServer) -> None:
    def answer(handler: Handler) -> None:
        if handler.path == "/calendar.ics":
            handler.give(302, b"", {"Location": "/moved.ics"})
        else:
            handler.give(200, server.content)

    server.serve(calendar(single()))
    server.answer = answer
    assert whole(feed(server)).resources


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"]
)
def test_a_redirect_to_a_private_address_is_refused(server: FeedServer, target: str) -> None:
    server.answer = give(302, b"", {"Location": target})
    assert "private network" in refusal(feed(server))


def test_a_redirect_without_end_is_refused(server: FeedServer) -> None:
    server.answer = give(302, b"", {"Location": server.url})
    assert "sent us on" in refusal(feed(server))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "has an error (status 500)"),
        (503, "has an error"),
        (401, "requires a user name and a password"),
        (403, "refuses access"),
        (404, "no calendar at this address"),
        (410, "no calendar at this address"),
        (429, "fewer requests"),
        (204, "answered with status 204 instead of a calendar"),
        (304, "answered with status 304 instead of a calendar"),
    ],
)
def test_an_error_status_becomes_a_sentence(server: FeedServer, status: int, words: str) -> None:
    server.answer = give(status, calendar(single()).encode() if status == 500 else b"")
    assert words in refusal(feed(server))


def test_a_web_page_is_refused_with_any_content_type(server: FeedServer) -> None:
    server.serve("<html><body>Please sign in</body></html>")
    assert "web page" in refusal(feed(server))


def test_half_a_calendar_is_refused(server: FeedServer) -> None:
    server.serve(calendar(single())[:-30])
    assert "incomplete" in refusal(feed(server))


def test_an_answer_that_breaks_off_is_refused(server: FeedServer) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "9999")
        handler.end_headers()
        handler.wfile.write(calendar(single()).encode())
        handler.close_connection = True

    server.answer = answer
    assert "can't be fetched" in refusal(feed(server))


def test_a_compressed_feed_is_read(server: FeedServer) -> None:
    server.answer = give(200, gzip.compress(calendar(single()).encode()), {"Content-Encoding": "gzip"})
    assert whole(feed(server)).resources


def test_the_charset_of_the_server_counts(server: FeedServer) -> None:
    content = calendar(single(title="Łódź telecon")).encode("iso-8859-2")
    server.answer = give(200, content, {"Content-Type": "text/calendar; charset=ISO-8859-2"})
    assert "SUMMARY:Łódź telecon" in whole(feed(server)).resources[0].text


def bomb() -> bytes:
    """Return a gigabyte of blanks in a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blanks = b" " * (1 << 20)
    return b"".join([*(packer.compress(blanks) for _ in range(1000)), packer.flush()])


def test_a_compressed_bomb_is_refused(server: FeedServer) -> None:
    server.answer = give(200, bomb(), {"Content-Encoding": "gzip"})
    assert "too large" in refusal(feed(server))


def test_fifty_megabytes_are_refused_before_they_have_all_come(server: FeedServer) -> None:
    sent = 0

    def answer(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("Content-Length", str(50 << 20))
        handler.end_headers()
        while sent < 50:
            handler.wfile.write(b" " * (1 << 20))
            sent += 1

    server.answer = answer
    assert "too large" in refusal(feed(server))
    assert sent < 50


def test_a_body_that_never_ends_is_given_up(server: FeedServer, short_patience: None) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"1\r\n \r\n")
            time.sleep(0.05)

    server.answer = answer
    began = time.monotonic()
    assert "took too long" in refusal(feed(server))
    assert time.monotonic() - began < 10


def test_an_unreachable_server_is_reported(server: FeedServer) -> None:
    with FeedServer() as gone:
        url = gone.url
    assert "can't be reached" in refusal(feed(server, url=url))


@pytest.fixture
def short_patience(settings: Any) -> None:
    settings.NOTICE_FEED_SECONDS = 1.0
