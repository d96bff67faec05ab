"""The contract, for text messages, against the simulated Twilio."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from common.channels import Outcome
from tests.contracts.channel_contract import Answer
from tests.contracts.twilio_provider import TwilioContract, TwilioProvider
from tests.simulated_twilio import SimulatedTwilio


class TestSms(TwilioContract):
    path = "eventinvoke.channels.sms.channel.SmsChannel"
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = {
        **TwilioContract.outcomes,
        # A gateway may give a 5xx for a message that was created behind it.
        Answer.FAIL: Outcome.UNKNOWN,
    }

    @pytest.fixture
    def provider(self, simulated_twilio: SimulatedTwilio) -> TwilioProvider:
        simulated_twilio.behave(message="sent")  # time runs fast there; nothing is delivered before we look
        return TwilioProvider(simulated_twilio, "message")

    def good_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [("+49 1512 3456789", {}), ("+1 202 456 1111", {}), ("0081 90 1234 5678", {})]

    def bad_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        typed = ["", "030 901820", "+49 1", "+999 123456789", "+49 900 1234567", "+49 30 901820"]
        return [(address, {}, "address") for address in typed]
