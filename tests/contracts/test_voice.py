"""The contract, for phone calls, against the simulated Twilio."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from common.channels import Outcome
from tests.contracts.channel_contract import Answer
from tests.contracts.twilio_provider import TwilioContract, TwilioProvider
from tests.simulated_twilio import SimulatedTwilio


class TestVoice(TwilioContract):
    path = "eventinvoke.channels.voice.channel.VoiceChannel"
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = {
        **TwilioContract.outcomes,
        # A gateway may give a 5xx for a call that was created behind it.
        Answer.FAIL: Outcome.UNKNOWN,
        Answer.GONE: None,
    }

    @pytest.fixture
    def provider(self, simulated_twilio: SimulatedTwilio) -> TwilioProvider:
        return TwilioProvider(simulated_twilio, "call")

    def good_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [
            ("+49 1512 3456789", {}),
            ("+49-(30)-901820", {}),
            ("0049 30 901820", {}),
            ("+1 202 456 1111", {}),
            ("+81 3 3581 0101", {}),
            ("＋81３３５８１０１０１", {}),  # noqa: RUF001 - full-width, as a Japanese keyboard types it
        ]

    def bad_addresses(self, provider: TwilioProvider) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        typed = [
            "", "030 901820", "call me", "+49", "+49 1", "+49 1512 3456789012345", "+999 123456789",
            "+49 900 1234567", "+49 30 901820 ext. 5", "1" * 500, "+1 202 555", "anna@example.org",
        ]  # fmt: skip
        return [(address, {}, "address") for address in typed]
