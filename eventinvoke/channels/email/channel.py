"""The channel ``email``: a mail with a link to acknowledge."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.conf import settings

from common.channels import (
    Address,
    AddressField,
    Capabilities,
    Contact,
    Message,
    Note,
    Resend,
    SendResult,
)
from common.queues import Queue
from eventinvoke.channels.email import addresses
from eventinvoke.channels.email.stream import Stream, at_once, mail_seconds

_PRINTED: Final = Note("No mail server is set up, so the mail is printed where PFS Notice was started.")


def _note() -> Note | None:
    return _PRINTED if settings.EMAIL_BACKEND.endswith(".console.EmailBackend") else None


class EmailChannel:
    """Mail. ``common.channels.Channel`` says what each method does."""

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "Mail"
    capabilities: ClassVar[Capabilities] = Capabilities(
        resend=Resend.AGAIN,
        queue=Queue.SLOW,
        has_answer_link=True,
        at_once=at_once(settings.EMAIL_CONNECTIONS, settings.NOTICE_LEASE_SECONDS, mail_seconds()),
        contact=Contact(
            "mail",
            fields=(AddressField(label="Mail address", input_type="email", autocomplete="email"),),
            note=_note,
        ),
    )

    def check_address(self, address: str, config: Mapping[str, Any]) -> Address:  # noqa: ARG002 - an address is all
        """Check a mail address."""
        return addresses.check(address)

    def send(self, messages: Iterable[Message]) -> Iterator[SendResult | None]:
        """Send mails over ``EMAIL_CONNECTIONS`` connections at most, each from a thread of its own."""
        yield from Stream(messages).results()

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:  # noqa: ARG002 - it can't be asked
        """Yield nothing: a mail server forgets what it has passed on."""
        return iter(())

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:  # noqa: ARG002 - nor told
        """Yield nothing: a mail can't be taken back."""
        return iter(())
