"""The contract, for text messages, against the simulated Twilio."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from common import clock
from common.channels import Message, Outcome
from tests.contracts.channel_contract import Answer, ChannelContract
from tests.contracts.twilio_provider import TwilioProvider
from tests.simulated_twilio import SimulatedTwilio


class TestSms(ChannelContract):
    path = "eventinvoke.channels.sms.channel.SmsChannel"
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = {
        **ChannelContract.outcomes,
        # A gateway may give a 5xx for a message that was created behind it.
        Answer.FAIL: Outcome.UNKNOWN,
    }

    @pytest.fixture
    def provider(self, simulated_twilio: SimulatedTwilio) -> TwilioProvider:
        simulated_twilio.behave(message="sent")  # time runs fast there; nothing is delivered before we look
        return TwilioProvider(simulated_twilio, "message")

    def make_message(self, provider: TwilioProvider, number: int) -> Message:
        return Message(
            process_id=f"{number % 100000}".rjust(43, "p"),
            address=f"+49151120{number % 100000:05d}",
            title=f"Notice {number}",
            body="Something begins in ten minutes.",
            tag=f"tag{number}",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def make_bad_message(self, provider: TwilioProvider) -> Message:
        return Message(
            process_id="b" * 43,
            address="+1",
            title="Bad",
            body="\ud800 half a character",
            tag="bad",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def good_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [("+49 1512 3456789", {}), ("+1 202 456 1111", {}), ("0081 90 1234 5678", {})]

    def bad_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        typed = ["", "030 901820", "+49 1", "+999 123456789", "+49 900 1234567", "+49 30 901820"]
        return [(address, {}, "address") for address in typed]
