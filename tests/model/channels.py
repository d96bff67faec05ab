"""Channels that the model test installs: what the provider does with a message was decided in advance."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
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
from tests.model.world import Behaviour

_WAIT: Final = timedelta(minutes=14)
_REFUSALS: Final = {
    Behaviour.RETRY: (Outcome.RETRY, None),
    Behaviour.LATER: (Outcome.RETRY, _WAIT),
    Behaviour.REJECTED: (Outcome.REJECTED, None),
    Behaviour.GONE: (Outcome.GONE, None),
    Behaviour.MISCONFIGURED: (Outcome.MISCONFIGURED, None),
    Behaviour.UNKNOWN: (Outcome.UNKNOWN, None),
    Behaviour.NOT_TAKEN: (Outcome.UNKNOWN, None),
}
_UNTAKEN: Final = _REFUSALS.keys() - {Behaviour.UNKNOWN} | {Behaviour.KILLED}
_WHEN_ASKED: Final = {Behaviour.ANSWERED: Outcome.DELIVERED, Behaviour.ENGAGED: Outcome.UNDELIVERED}
_WITHOUT_RESULT: Final = {Behaviour.KILLED, Behaviour.KILLED_AFTER}


@dataclass
class Desk:
    """What all providers did: one object, so that the machine decides and reads in one place."""

    decide: Callable[[Message], Behaviour] = lambda _message: Behaviour.FINE
    """Set by the machine: what happens to a message."""
    note: Callable[[Message, Behaviour, bool], None] = lambda _message, _does, _is_taken: None
    """Set by the machine: told of each try, and whether the provider took it."""
    taken: dict[str, str] = field(default_factory=dict)
    """The provider's id of what it took, by process id."""
    said_when_asked: dict[str, Behaviour] = field(default_factory=dict)
    """What became of calls that no callback told of, by process id."""

    def clear(self) -> None:
        """Forget everything."""
        self.taken.clear()
        self.said_when_asked.clear()


desk: Final = Desk()


class _Channel:
    """What the four have in common."""

    kind: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:
        """Take every address."""
        return Address(address, address, config)

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Do with each message what was decided."""
        for message in messages:
            does = desk.decide(message)
            is_taken = does not in _UNTAKEN
            if is_taken:
                desk.taken[message.process_id] = f"id-{len(desk.taken)}"
                desk.said_when_asked[message.process_id] = does
            desk.note(message, does, is_taken)
            if does in _WITHOUT_RESULT:
                continue
            yield self._result(message, does)

    def _result(self, message: Message, does: Behaviour) -> SendResult:
        if does in _REFUSALS:
            outcome, retry_after = _REFUSALS[does]
            return SendResult(message, outcome, reason=f"It said {does}.", retry_after=retry_after)
        is_accepted = does == Behaviour.ACCEPTED or self.capabilities.resend == Resend.ASK
        outcome = Outcome.ACCEPTED if is_accepted else Outcome.DELIVERED
        return SendResult(message, outcome, provider_id=desk.taken[message.process_id])

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:
        """Say what was taken."""
        if self.capabilities.resend == Resend.AGAIN:
            return
        for message in messages:
            provider_id = desk.taken.get(message.process_id, "")
            if not provider_id:
                yield SendResult(message, Outcome.RETRY, reason="Not taken.")
                continue
            outcome = _WHEN_ASKED.get(desk.said_when_asked[message.process_id], Outcome.ACCEPTED)
            is_busy = outcome == Outcome.UNDELIVERED
            reason = "The line was busy." if is_busy else ""
            yield SendResult(message, outcome, provider_id, reason, may_redial=is_busy)

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:
        """Take nothing back: each call is dialled at once."""
        yield from ()


class Push(_Channel):
    """A channel whose second message replaces the first."""

    kind = "push"
    label = "Push"
    capabilities = Capabilities(resend=Resend.AGAIN, verification=Verification.NONE, has_receipts=True)


class Call(_Channel):
    """A channel that must not ring twice."""

    kind = "call"
    label = "Call"
    capabilities = Capabilities(resend=Resend.ASK, has_receipts=True, can_cancel=True)


class Mail(_Channel):
    """A channel without receipts."""

    kind = "mail"
    label = "Mail"
    capabilities = Capabilities(resend=Resend.AGAIN)


class Inbox(_Channel):
    """A silent channel."""

    kind = "inbox"
    label = "Inbox"
    capabilities = Capabilities(
        contact=Contact("inbox", Adding.BUILT_IN),
        resend=Resend.AGAIN,
        verification=Verification.NONE,
        is_silent=True,
        has_receipts=True,
    )


PATHS: Final = [f"tests.model.channels.{one.__name__}" for one in (Push, Call, Mail, Inbox)]
