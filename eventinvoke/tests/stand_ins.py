"""Channels that tests install: what they do with a message is said by the target's address.

"ok" is accepted, "delivered" too and known to have arrived; "later", "no", "gone", "wrong" and
"silent" end as RETRY, REJECTED, GONE, MISCONFIGURED and UNKNOWN; "fault" raises.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from common.channels import Address, Capabilities, Message, Outcome, Resend, SendResult, Verification

OUTCOMES = {
    "delivered": Outcome.DELIVERED,
    "later": Outcome.RETRY,
    "no": Outcome.REJECTED,
    "gone": Outcome.GONE,
    "wrong": Outcome.MISCONFIGURED,
    "silent": Outcome.UNKNOWN,
}


class PushLike:
    """A channel whose second message replaces the first."""

    kind: ClassVar[str] = "pushlike"
    label: ClassVar[str] = "Push-like"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.AGAIN, verification=Verification.NONE, has_receipts=True
    )

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.asked: list[Message] = []
        self.canceled: list[str] = []
        self.answers: dict[str, Outcome] = {}
        """What ``ask`` answers, by address."""
        self.may_redial = False

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        return Address(address, address, config)

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        for message in messages:
            if message.address == "fault":
                raise RuntimeError("a defect")
            self.sent.append(message)
            outcome = OUTCOMES.get(message.address, Outcome.ACCEPTED)
            taken = outcome in {Outcome.ACCEPTED, Outcome.DELIVERED}
            yield SendResult(
                message,
                outcome,
                provider_id=f"id-{len(self.sent)}" if taken else "",
                reason="" if taken else f"It said {message.address}.",
                retry_after=timedelta(seconds=30) if outcome == Outcome.RETRY else None,
            )

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        self.asked += messages
        for message in messages:
            outcome = self.answers.get(message.address, Outcome.UNKNOWN)
            yield SendResult(message, outcome, reason="asked", may_redial=self.may_redial)

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        self.canceled += provider_ids
        yield from provider_ids


class CallLike(PushLike):
    """A channel that must not ring twice."""

    kind = "calllike"
    label = "Call-like"
    capabilities = Capabilities(resend=Resend.ASK, has_receipts=True, can_cancel=True)


class OneASecond(CallLike):
    """A channel whose provider takes one message a second."""

    kind = "slowlike"
    capabilities = Capabilities(resend=Resend.ASK, rate_per_second=1.0)
