"""What the email channel writes, and what a mail server's answers mean."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from common.channels import Message, Outcome, SendResult, Severity
from common.clock import now
from common.process_ids import Purpose, signed_for
from eventinvoke.channels.email.channel import EmailChannel
from eventinvoke.channels.email.letter import message_id
from tests.contracts.channel_contract import Answer
from tests.mail_server import PASSWORD, USER, MailServer

CONFIRM = f"https://notice.example.org/a/{signed_for(Purpose.ANSWER, 'p' * 43)}"
UNSUBSCRIBE = f"https://notice.example.org/n/{signed_for(Purpose.UNSUBSCRIBE, 'p' * 43)}/unsubscribe"


def message(**changes: object) -> Message:
    made = Message(
        process_id="p" * 43,
        address="anna@example.org",
        title="Weekly telecon",
        body="At 15:05, in 5 minutes\nRoom 5",
        tag="notice-1",
        expires_at=now() + timedelta(minutes=10),
        starts_at=now() + timedelta(minutes=5),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
        settings.EMAIL_TIMEOUT = 5
        settings.DEFAULT_FROM_EMAIL = "PFS Notice <notice@pfs.example>"
        settings.NOTICE_PUBLIC_URL = "https://notice.example.org"
        yield running


def send(*messages: Message) -> list[SendResult]:
    return [result for result in EmailChannel().send(messages) if result is not None]


def text_of(server: MailServer, kind: str = "plain") -> str:
    (mail,) = server.mails
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_mail_says_it_as_text_and_as_html_with_the_link_to_confirm(server: MailServer) -> None:
    (result,) = send(message())
    (mail,) = server.mails
    assert (mail["Subject"], mail["To"], mail["From"]) == (
        "Weekly telecon",
        "anna@example.org",
        "PFS Notice <notice@pfs.example>",
    )
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        text = text_of(server, kind)
        assert "At 15:05, in 5 minutes" in text
        assert CONFIRM in text
        assert UNSUBSCRIBE in text
    assert result.provider_id == mail["Message-ID"]


def test_a_mail_can_be_unsubscribed_from_by_one_click(server: MailServer) -> None:
    send(message())
    (mail,) = server.mails
    assert mail["List-Unsubscribe"].strip() == f"<{UNSUBSCRIBE}>"  # a long header begins on its next line
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_one_click_is_promised_over_https_only(server: MailServer, settings: Settings) -> None:
    settings.NOTICE_PUBLIC_URL = "http://localhost:8000"
    send(message())
    (mail,) = server.mails
    assert mail["List-Unsubscribe"].strip().startswith("<http://localhost:8000/")
    assert mail["List-Unsubscribe-Post"] is None


def test_every_try_of_a_delivery_has_the_same_message_id() -> None:
    first, later = message(), message(process_id="q" * 43)
    later = later._replace(starts_at=first.starts_at)
    assert message_id(first) == message_id(later)
    assert re.fullmatch(r"<[0-9a-f]{32}@[a-z.]+>", message_id(first))


@pytest.mark.parametrize(
    "changes",
    [{"tag": "notice-2"}, {"address": "ben@example.org"}, {"title": "Another"}, {"starts_at": None}],
)
def test_another_delivery_has_another_message_id(changes: dict[str, object]) -> None:
    first = message()
    assert message_id(first) != message_id(first._replace(**changes))  # type: ignore[arg-type]


def test_a_hostile_title_makes_no_header_and_no_markup(server: MailServer) -> None:
    send(message(title="Hi\r\nBcc: all@example.org\x00<script>", body="<b>&</b>", url="javascript:alert(1)"))
    (mail,) = server.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi Bcc: all@example.org <script>"
    html = text_of(server, "html")
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in html
    assert "<script" not in html
    assert "javascript:" not in html + text_of(server)


def test_the_text_part_is_not_escaped(server: MailServer) -> None:
    send(message(title="R & D's <plan>"))
    assert "R & D's <plan>" in text_of(server)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("de", "Bestätigen oder später erinnern"),
        ("fr", "Confirmer ou rappeler plus tard"),
        ("ja", "確認する、またはあとで知らせる"),
    ],
)
def test_a_mail_is_written_in_the_members_language(server: MailServer, language: str, word: str) -> None:
    send(message(language=language))
    html = text_of(server, "html")
    assert word in html
    assert f'<html lang="{language}">' in html


def test_a_code_has_no_links(server: MailServer) -> None:
    send(message(process_id="", body="Your code is 407193."))
    (mail,) = server.mails
    assert mail["List-Unsubscribe"] is None
    assert "407193" in text_of(server)
    assert "notice.example.org" not in text_of(server) + text_of(server, "html")


def test_a_critical_notice_says_that_it_matters(server: MailServer) -> None:
    send(message(severity=Severity.CRITICAL))
    assert server.mails[0]["Importance"] == "high"


def test_a_stream_of_mails_takes_one_connection(server: MailServer) -> None:
    send(*[message(tag=f"notice-{n}") for n in range(10)])
    assert (len(server.mails), server.connections) == (10, 1)


def test_a_refused_recipient_does_not_harm_the_next_mail(server: MailServer) -> None:
    results = send(message(address="unknown@example.org"), message())
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert "recipient's address (code 550)" in results[0].reason


def test_a_server_that_is_not_there_is_asked_once_for_a_batch(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    results = send(*[message(tag=f"notice-{n}") for n in range(3)])
    assert {result.outcome for result in results} == {Outcome.RETRY}
    assert {result.retry_after for result in results} == {timedelta(seconds=10)}


def test_a_wrong_password_is_ours_to_mend(server: MailServer, settings: Settings) -> None:
    settings.EMAIL_HOST_PASSWORD = "wrong"
    (result,) = send(message())
    assert result.outcome == Outcome.MISCONFIGURED
    assert "EMAIL_URL" in result.reason


def test_a_server_that_takes_a_mail_and_never_answers_leaves_it_open(
    server: MailServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    server.answer(Answer.HOLD)
    (result,) = send(message())
    assert result.outcome == Outcome.UNKNOWN


def test_a_server_without_encryption_is_a_wrong_setting(server: MailServer, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True
    (result,) = send(message())
    assert result.outcome == Outcome.MISCONFIGURED


def test_a_mail_whose_time_is_over_is_not_sent(server: MailServer) -> None:
    (result,) = send(message(expires_at=now()))
    assert (result.outcome, server.mails) == (Outcome.REJECTED, [])


@pytest.mark.parametrize("backend", ["console", "locmem", "dummy"])
def test_other_backends_of_django_take_mails_too(settings: Settings, backend: str) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    (result,) = send(message())
    assert result.outcome == Outcome.ACCEPTED
