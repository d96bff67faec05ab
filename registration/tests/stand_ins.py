"""A channel that tests install: it keeps what it is given; "refused" as the address is refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from common.channels import Address, Capabilities, Message, Outcome, Resend, SendResult
from common.errors import AddressError


class Pager:
    """A channel whose address is typed and verified by a code."""

    kind: ClassVar[str] = "pager"
    label: ClassVar[str] = "Pager"
    capabilities: ClassVar[Capabilities] = Capabilities(resend=Resend.AGAIN)

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        if " " in address.strip():
            raise AddressError("A pager's number has no spaces.", field="address")
        return Address(address.strip(), f"Pager {address.strip()}", config)

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        for message in messages:
            yield None
            if message.address == "refused":
                yield SendResult(message, Outcome.REJECTED, reason="This pager does not exist.")
            else:
                self.sent.append(message)
                yield SendResult(message, Outcome.ACCEPTED)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        return iter(())

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        return iter(())
