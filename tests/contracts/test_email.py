"""The contract, for mail, against a real mail server."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pytest_django import Settings

from common import clock
from common.channels import Message, Outcome
from tests.contracts.channel_contract import Answer, ChannelContract
from tests.mail_server import PASSWORD, USER, MailServer


class TestEmail(ChannelContract):
    path = "eventinvoke.channels.email.channel.EmailChannel"
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = {
        **ChannelContract.outcomes,
        # A mail server has no Retry-After, and "no such user" (550) may be its own mistake: one bounce
        # does not end a target.
        Answer.LIMIT: None,
        Answer.GONE: None,
    }

    @pytest.fixture
    def provider(self, settings: Settings) -> Iterator[MailServer]:
        with MailServer() as server:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
            settings.EMAIL_TIMEOUT = 5
            yield server

    def make_message(self, provider: MailServer, number: int) -> Message:
        return Message(
            process_id=f"{number % 100000}".rjust(43, "p"),
            address=f"anna{number}@example.org",
            title=f"Notice {number}",
            body="Something begins in ten minutes.",
            tag=f"tag{number}",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def make_bad_message(self, provider: MailServer) -> Message:
        return Message(
            process_id="b" * 43,
            address="unknown@example.org",
            title="Bad\r\nBcc: everybody@example.org",
            body="\ud800 half a character",
            tag="bad",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def good_addresses(self, provider: MailServer) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [
            ("anna@example.org", {}),
            ("  Anna.Berg+notice@Example.ORG ", {}),
            ("anna@bücher.example", {}),
            ("root@localhost", {}),
        ]

    def bad_addresses(self, provider: MailServer) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        typed = [
            "", "anna", "anna@", "@example.org", "anna@exa mple.org", "anna@example.org, ben@example.org",
            "Anna <anna@example.org>", "anna@example.org\nBcc: x@example.org", "änna@example.org",
            "a" * 300 + "@example.org", "anna@" + "ü" * 80 + ".org", "anna@example..org",
        ]  # fmt: skip
        return [(address, {}, "address") for address in typed]
