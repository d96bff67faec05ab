"""The simulated Twilio as a stand-in of the contract: for calls, and for text messages."""

from datetime import timedelta
from typing import Any, Final

from common import clock
from common.channels import Message
from tests.contracts.channel_contract import RETRY_AFTER, Answer, ChannelContract
from tests.simulated_twilio import SimulatedTwilio

_ALWAYS: Final = 10_000
_HELD_SECONDS: Final = 0.6
"""The provider answers held requests by itself after this time."""


class TwilioProvider:
    """``what`` is "call" or "message"."""

    def __init__(self, twilio: SimulatedTwilio, what: str) -> None:
        self.twilio = twilio
        self._what = what

    def answer(self, how: Answer) -> None:
        """Answer so from now on; ACCEPT at first."""
        self.twilio.repair()
        creation = f"create-{self._what}"
        if how is Answer.FAIL:
            self.twilio.break_next("any", 503, times=_ALWAYS)
        elif how is Answer.LIMIT:
            seconds = int(RETRY_AFTER.total_seconds())
            self.twilio.break_next(creation, 429, times=_ALWAYS, code=20429, retry_after=seconds)
        elif how is Answer.FORBID:
            self.twilio.break_next(creation, 401, times=_ALWAYS, code=20003, message="Authenticate")
        elif how is Answer.REJECT:
            self.twilio.break_next(creation, 400, times=_ALWAYS, code=21211, message="Invalid 'To' <number>")
        elif how is Answer.GONE:
            self.twilio.break_next(creation, 400, times=_ALWAYS, code=21610, message="unsubscribed")
        elif how is Answer.GARBAGE:
            self.twilio.break_next(creation, "accept-then-garbage", times=_ALWAYS)
        elif how is Answer.VANISH:
            self.twilio.break_next(creation, "accept-then-drop", times=_ALWAYS)
        elif how is Answer.HOLD:
            self.twilio.break_next(creation, "slow", times=_ALWAYS, seconds=_HELD_SECONDS)

    def received(self) -> list[str]:
        """Return the number of each call or message, with repetitions."""
        if self._what == "call":
            return [call.to for call in self.twilio.calls()]
        return [message.to for message in self.twilio.messages()]

    def release(self) -> None:
        """Do nothing: held requests are answered by themselves."""

    def canceled(self) -> list[str]:
        """Return the sids of the calls that were canceled."""
        return [call.sid for call in self.twilio.calls() if call.status == "canceled"]


class TwilioContract(ChannelContract):
    """The contract, with messages to phone numbers."""

    def make_message(self, provider: Any, number: int) -> Message:
        return Message(
            process_id=f"{number % 100000}".ljust(43, "p"),
            address=f"+49151120{number % 100000:05d}",
            title=f"Notice {number}",
            body="Something begins in ten minutes.",
            tag=f"tag{number}",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def make_bad_message(self, provider: Any) -> Message:
        return Message(
            process_id="b" * 43,
            address="+1",
            title="Bad",
            body="\ud800 half a character",
            tag="bad",
            expires_at=clock.now() + timedelta(minutes=10),
        )
