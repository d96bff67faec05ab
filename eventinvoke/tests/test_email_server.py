"""Mails and servers that are slow, old, strict or broken."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Final

import pytest
from pytest_django import Settings

from common.channels import Message, Outcome, SendResult
from common.clock import now
from eventinvoke.channels.email.backend import ehlo_name
from eventinvoke.channels.email.channel import EmailChannel
from eventinvoke.channels.email.stream import at_once, mail_seconds
from tests.mail_server import PASSWORD, USER, MailServer
from tests.tls import server_context

CONNECTIONS: Final = 4


def message(number: int = 1, **changes: object) -> Message:
    made = Message(
        process_id=f"{number}".rjust(43, "p"),
        address=f"anna{number}@example.org",
        title=f"Notice {number}",
        body="At 15:05, in 5 minutes",
        tag=f"notice-{number}",
        expires_at=now() + timedelta(minutes=10),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
        settings.EMAIL_TIMEOUT = 5
        settings.EMAIL_CONNECTIONS = CONNECTIONS
        settings.DEFAULT_FROM_EMAIL = "Büro <notice@pfs.example>"
        settings.NOTICE_PUBLIC_URL = "https://notice.example.org"
        yield running


def send(*messages: Message) -> list[SendResult]:
    return [result for result in EmailChannel().send(messages) if result is not None]


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("de", "Prüfung", "Öl läuft aus: Å …"),
        ("ja", "点検", "会議\u3000室 👩\u200d👧"),
        ("en", "Pump", "plain"),
        ("en", "Pump", "x" * 2000 + "ü"),
        ("en", "Pump 3 \u2013 dry", "two\nlines\u2028and \u0645\u06cc\u200c\u062e"),
    ],
)
def test_a_server_without_8bitmime_gets_ascii(
    server: MailServer, language: str, title: str, body: str
) -> None:
    server.has_8bitmime = False
    (result,) = send(message(language=language, title=title, body=body))
    assert result.outcome == Outcome.ACCEPTED, result.reason
    (raw,) = server.raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    (mail,) = server.mails
    assert mail["Subject"] == title
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        shown = str(part.get_content())
        assert all(line in shown for line in body.split("\n"))


@pytest.mark.parametrize(
    "title",
    [
        "会議\u3000室",
        "10\u00a0h",
        "👩\u200d👩\u200d👧",
        "\u0645\u06cc\u200c\u062e \u200f",
        "\u2068a\u202eb\u202c\u2069 c",
    ],
)
def test_a_subject_arrives_as_it_was_given(server: MailServer, title: str) -> None:
    send(message(title=f"<{title}>"))
    subject = server.mails[0]["Subject"]
    assert subject.replace("\u2068<", "<").replace(">\u2069", ">") == f"<{title}>"


@pytest.mark.parametrize(
    "line_break", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
)
def test_no_line_break_ends_a_header(server: MailServer, line_break: str) -> None:
    (result,) = send(message(title=f"Hi ü{line_break}Bcc: all@example.org"))
    assert result.outcome == Outcome.ACCEPTED, result.reason
    (mail,) = server.mails
    assert (mail["Subject"], mail["Bcc"]) == ("Hi ü Bcc: all@example.org", None)


@pytest.mark.parametrize(
    ("setting", "url", "name"),
    [
        ("", "https://notice.example.org:8443", "notice.example.org"),
        ("mx.example.org", "https://notice.example.org", "mx.example.org"),
        ("", "https://bücher.example", "xn--bcher-kva.example"),
        ("", "http://10.1.2.3:8000", "[10.1.2.3]"),
        ("", "http://[2001:db8::1]:8000", "[IPv6:2001:db8::1]"),
    ],
)
def test_the_server_is_told_our_name(
    server: MailServer, settings: Settings, setting: str, url: str, name: str
) -> None:
    settings.EMAIL_EHLO_NAME, settings.NOTICE_PUBLIC_URL = setting, url
    assert ehlo_name() == name
    send(message())
    assert set(server.names) == {name}


def test_an_address_that_needs_smtputf8_is_refused_in_words(server: MailServer) -> None:
    results = send(message(1, address="änna@example.org"), message(2))
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert "before the @" in results[0].reason


def test_a_sender_that_needs_smtputf8_is_ours_to_mend(server: MailServer, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Büro <büro@pfs.example>"
    (result,) = send(message())
    assert result.outcome == Outcome.MISCONFIGURED
    assert "DEFAULT_FROM_EMAIL" in result.reason


@pytest.mark.parametrize("how", ["implicit_tls", "starttls"])
def test_mails_go_over_encrypted_connections(
    how: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = how == "implicit_tls", how == "starttls"
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 5
    with MailServer(**{how: server_context(tmp_path)}) as running:
        settings.EMAIL_PORT = running.port
        (stranger,) = send(message(1))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        results = send(message(2), message(3))
    assert stranger.outcome == Outcome.MISCONFIGURED
    assert "certificate" in stranger.reason
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 2
    assert len(running.received()) == 2


def test_two_hundred_mails_to_a_slow_server_take_one_try_each(server: MailServer, settings: Settings) -> None:
    server.seconds = 0.1
    lease, slowest = 8.0, 2.0
    claims = 0
    held: list[float] = []

    def claimed() -> Iterator[Message]:
        """Claim as the dispatcher does, and note for how much of its lease each mail waited for its turn."""
        nonlocal claims
        numbers = iter(range(200))
        while batch := list(islice(numbers, most)):
            claims += 1
            began = monotonic()
            for number in batch:
                held.append(monotonic() - began)
                yield message(number)

    most = at_once(CONNECTIONS, lease, slowest)
    results = [result for result in EmailChannel().send(claimed()) if result is not None]
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 200
    assert len(set(server.received())) == len(server.received()) == 200
    assert max(held) < lease / 2
    assert 1 < server.busiest <= CONNECTIONS
    assert claims < 200


def test_what_one_claim_takes_is_sent_within_half_of_its_lease() -> None:
    assert at_once(4, 60, 40) == 3
    assert at_once(1, 10, 40) == 1
    assert at_once(10, 60, 1) == 300
    for connections in range(1, 12):
        most = at_once(connections, 60, 7)
        assert -(-most // connections) * 7 <= 60 / 2 + 7, "the last one began in time"
    assert EmailChannel.capabilities.at_once is not None


def test_a_server_that_closes_connections_costs_no_try(server: MailServer) -> None:
    server.most_mails = 7
    results = send(*map(message, range(30)))
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 30
    assert len(server.received()) == 30
    assert server.connections >= 5


def test_a_server_that_closes_every_connection_is_left_alone_for_a_while(server: MailServer) -> None:
    server.most_mails = 0
    results = send(*map(message, range(10)))
    assert {(result.outcome, result.retry_after) for result in results} == {
        (Outcome.RETRY, timedelta(seconds=10))
    }
    assert server.connections == 1


def test_a_server_that_takes_one_connection_gets_one(server: MailServer) -> None:
    server.most_connections, server.seconds = 1, 0.1
    results = send(*map(message, range(12)))
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 12
    assert len(server.received()) == 12


def test_a_connection_that_hangs_fails_its_own_mail_alone(server: MailServer, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 1
    server.slow_address = "anna3@example.org"
    results = {result.message.tag: result.outcome for result in send(*map(message, range(20)))}
    assert results.pop("notice-3") == Outcome.UNKNOWN
    assert set(results.values()) == {Outcome.ACCEPTED}
    assert len(results) == 19


def test_a_connection_that_breaks_before_the_mail_is_worth_another_try(settings: Settings) -> None:
    with _Rude([b"220 hello\r\n", b"250 hi\r\n", None]) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
        settings.EMAIL_HOST_USER = ""
        (result,) = send(message())
    assert result.outcome == Outcome.RETRY
    assert "before it took the mail" in result.reason


def test_a_server_that_answers_a_letter_at_a_time_is_left(settings: Settings) -> None:
    with _Rude([b"220-" + b"x" * 10_000]) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 0.5
        began = monotonic()
        (result,) = send(message())
    assert result.outcome == Outcome.RETRY
    assert monotonic() - began < mail_seconds() + 5


class _Rude:
    """A server that says one line after the other, a byte each 50 ms if it is long; None closes."""

    def __init__(self, lines: list[bytes | None]) -> None:
        self._lines = lines
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            connection, _address = self._listener.accept()
            with connection:
                for line in self._lines:
                    if line is None:
                        return
                    if len(line) < 100:
                        connection.sendall(line)
                        connection.recv(1000)
                        continue
                    for place in range(len(line)):
                        if self._is_over.wait(0.05):
                            return
                        connection.sendall(line[place : place + 1])
        except OSError:
            return
