"""The inbox keeps the contract of every channel."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from common.channels import Message, Outcome
from common.clock import now
from tests.contracts.channel_contract import Answer, ChannelContract, NoProvider


class TestInbox(ChannelContract):
    path = "eventinvoke.channels.inbox.channel.InboxChannel"
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = dict.fromkeys(Answer) | {
        Answer.ACCEPT: Outcome.ACCEPTED
    }

    @pytest.fixture
    def provider(self) -> NoProvider:
        return NoProvider()

    def make_message(self, provider: Any, number: int) -> Message:
        return Message(
            process_id=f"process-{number}",
            address="inbox",
            title=f"Notice {number}",
            body="In 10 minutes",
            tag=f"tag-{number}",
            expires_at=now() + timedelta(hours=1),
        )

    def make_bad_message(self, provider: Any) -> Message:
        return self.make_message(provider, 99)._replace(address="ann@example.org")

    def good_addresses(self, provider: Any) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [("", {}), ("inbox", {}), (" Inbox ", {})]

    def bad_addresses(self, provider: Any) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        return [("ann@example.org", {}, "address"), ("inbox", {"key": "x"}, "address")]
