"""The channel ``email``: a mail with a link to confirm."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, ClassVar, Final

from django.conf import settings

from common.channels import (
    Address,
    AddressField,
    Capabilities,
    Contact,
    Message,
    Note,
    Queue,
    Resend,
    SendResult,
)
from eventinvoke.channels.email import addresses
from eventinvoke.channels.email.post import Post

_IDLE_SECONDS: Final = 0.05
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
        """Send mails one after the other over one connection, from a thread of its own."""
        post = Post()
        with ThreadPoolExecutor(1, thread_name_prefix="mail") as thread:
            try:
                for message in messages:
                    sending = thread.submit(post.deliver, message)
                    while not wait([sending], _IDLE_SECONDS).done:
                        yield None
                    yield sending.result()
            finally:
                thread.submit(post.close)

    def ask(self, messages: Sequence[Message]) -> Iterator[SendResult]:  # noqa: ARG002 - it can't be asked
        """Yield nothing: a mail server forgets what it has passed on."""
        return iter(())

    def cancel(self, provider_ids: Sequence[str]) -> Iterator[str]:  # noqa: ARG002 - nor told
        """Yield nothing: a mail can't be taken back."""
        return iter(())
