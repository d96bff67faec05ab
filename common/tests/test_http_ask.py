"""Questions with a body (WebDAV's PROPFIND and REPORT), and signing in."""

import hashlib
import re
import socket
from base64 import b64encode

from common.http import fetch
from tests.raw_server import Behaviour, RawServer, Serve, answer_with

_BODY = b'<?xml version="1.0"?><propfind xmlns="DAV:"/>'


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_question_goes_with_its_method_body_and_headers(serve: Serve) -> None:
    server = serve(answer_with(page(b"<multistatus/>", status="207 Multi-Status")))
    headers = {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
    fetched = fetch(f"{server.url}/dav/", method="PROPFIND", body=_BODY, headers=headers)
    assert (fetched.status, fetched.body) == (207, b"<multistatus/>")
    assert server.requests[0].startswith(b"PROPFIND /dav/ HTTP/1.1\r\n")
    assert b"\r\nDepth: 1\r\n" in server.requests[0]
    assert b"\r\nContent-Type: application/xml; charset=utf-8\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\n" + _BODY)


def test_a_redirect_gets_the_same_question(serve: Serve) -> None:
    last = serve(answer_with(page(b"here")))
    first = serve(answer_with(page(b"", f"Location: {last.url}/dav/", status="301 Moved Permanently")))
    fetched = fetch(
        f"{first.url}/.well-known/caldav", method="PROPFIND", body=_BODY, username="a", password="b"
    )
    assert fetched.final_url == f"{last.url}/dav/"
    assert last.requests[0].startswith(b"PROPFIND /dav/ ")
    assert last.requests[0].endswith(_BODY)
    assert b"uthorization" not in last.requests[0]


def digest_server(*challenges: str) -> Behaviour:
    """Accept only Digest (RFC 7616) with the password "secret"."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def is_right(request: bytes) -> bool:
        line = re.search(rb"\r\nAuthorization: Digest ([^\r]*)\r\n", request)
        if line is None:
            return False
        said = {
            name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\w+)', line[1].decode())
        }
        first, second = md5("anna:dav:secret"), md5(f"PROPFIND:{said['uri']}")
        middle = f"{said['nonce']}:{said['nc']}:{said['cnonce']}:auth"
        return bool(said["response"] == md5(f"{first}:{middle}:{second}"))

    def behave(connection: socket.socket, server: RawServer) -> None:
        while request := server.read(connection):
            lines = [f"WWW-Authenticate: {challenge}" for challenge in challenges]
            refusal = page(b"who are you?", *lines, status="401 Unauthorized")
            connection.sendall(page(b"here") if is_right(request) else refusal)

    return behave


_DIGEST = 'Digest realm="dav", nonce="n1", qop="auth", algorithm=MD5'


def test_a_server_that_wants_digest_gets_it(serve: Serve) -> None:
    server = serve(digest_server(_DIGEST))
    fetched = fetch(server.url, method="PROPFIND", body=_BODY, username="anna", password="secret")
    assert (fetched.status, fetched.body) == (200, b"here")
    assert server.requests[-1].endswith(_BODY)


def test_a_wrong_password_is_an_answer_after_one_more_try(serve: Serve) -> None:
    server = serve(digest_server(_DIGEST))
    fetched = fetch(server.url, method="PROPFIND", body=_BODY, username="anna", password="wrong")
    assert fetched.status == 401
    assert len(server.requests) <= 4


def test_a_server_that_refuses_basic_is_not_asked_again(serve: Serve) -> None:
    server = serve(answer_with(page(b"no", 'WWW-Authenticate: Basic realm="dav"', status="401 Unauthorized")))
    assert fetch(server.url, username="anna", password="wrong").status == 401
    assert len(server.requests) == 1
    assert b"Basic " + b64encode(b"anna:wrong") in server.requests[0]


def test_a_password_may_have_any_letters(serve: Serve) -> None:
    server = serve(answer_with(page(b"here")))
    fetch(server.url, username="ænna", password="pass:wörd")
    assert b"Basic " + b64encode("ænna:pass:wörd".encode()) in server.requests[0]


def test_who_gave_no_password_is_not_asked_for_a_digest(serve: Serve) -> None:
    server = serve(digest_server(_DIGEST))
    assert fetch(server.url).status == 401
    assert len(server.requests) == 1
