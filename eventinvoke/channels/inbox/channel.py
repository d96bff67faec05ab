"""The channel ``inbox``: notices in the panel.

There is no provider: the panel shows the member's deliveries of this kind, and the browser that
showed one reports it (DELIVERED). Sending therefore only returns ACCEPTED.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from common.channels import (
    Adding,
    Address,
    Capabilities,
    Contact,
    Message,
    Outcome,
    Resend,
    SendResult,
    Verification,
)
from common.errors import AddressError

ADDRESS: Final = "inbox"
_NOT_AN_INBOX: Final = "Each member has one inbox: leave the address empty."


class InboxChannel:
    """The inbox of each member. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "inbox"
    label: ClassVar[str] = "Inbox"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.AGAIN,
        verification=Verification.NONE,
        is_silent=True,
        has_receipts=True,
        contact=Contact("inbox", Adding.BUILT_IN, is_single=True, can_test=False),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        """Accept "" or "inbox": each member has one inbox."""
        if address.strip().lower() not in {"", ADDRESS}:
            raise AddressError(_NOT_AN_INBOX, field="address")
        if config:
            raise AddressError("An inbox has no settings.", field="address")
        return Address(ADDRESS, "Inbox in this panel")

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Yield ACCEPTED for each message."""
        for message in messages:
            if message.address == ADDRESS:
                yield SendResult(message, Outcome.ACCEPTED)
            else:
                yield SendResult(message, Outcome.REJECTED, reason=_NOT_AN_INBOX)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:  # noqa: ARG002 - there is no provider to ask
        """Yield nothing: nothing ends unknown."""
        return iter(())

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:  # noqa: ARG002 - nothing waits
        """Yield nothing: a notice in the inbox can't be taken back."""
        return iter(())
