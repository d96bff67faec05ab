"""Channels that tests install: they keep the messages that they are given; the address "refused" is refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from common.channels import (
    Adding,
    Address,
    AddressField,
    Capabilities,
    Contact,
    Message,
    Outcome,
    Resend,
    SendResult,
    Verification,
)
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


class Room(Pager):
    """A chat room of a server: two fields, no code, and one for each member."""

    kind = "room"
    label = "Chat room"
    capabilities = Capabilities(
        resend=Resend.AGAIN,
        verification=Verification.NONE,
        contact=Contact(
            icon="message",
            fields=(
                AddressField(label="Room", placeholder="#alarms"),
                AddressField("server", "Server", help="Where the room is.", input_type="url"),
                AddressField("thread", "Thread", is_required=False),
            ),
            onboarding="Invite the bot first.",
            is_single=True,
            can_test=False,
        ),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        if not config["server"].startswith("https://"):
            raise AddressError("The server's address begins with https://.", field="server")
        return Address(address, f"{address} of {config['server']}", config)


class Siren(Pager):
    """A channel of which every member has a target."""

    kind = "siren"
    label = "Siren"
    capabilities = Capabilities(
        resend=Resend.AGAIN,
        verification=Verification.NONE,
        contact=Contact("alarm", Adding.BUILT_IN, is_single=True, can_test=False),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        return Address("siren", "Siren on the roof")
