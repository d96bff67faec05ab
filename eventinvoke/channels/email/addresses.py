"""Mail addresses that people type."""

from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from common.channels import Address
from common.errors import AddressError

_MAX: Final = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""
_check_form: Final = EmailValidator()


def check(typed: str) -> Address:
    """Return an address as it is stored: as typed, but for a domain in lower case and in ASCII.

    Raises ``AddressError``. Whether the mailbox exists is shown by the code that is sent to it.
    """
    text = typed.strip()
    if not text:
        raise AddressError("Type a mail address.", field="address")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise AddressError("A mail address has the form name@example.org.", field="address")
    if not local.isascii():
        raise AddressError("The part before the @ may hold plain letters and digits only.", field="address")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise AddressError("The part after the @ is not the name of a domain.", field="address") from None
    address = f"{local}@{ascii_domain}"
    if len(address) > _MAX:
        raise AddressError("This mail address is too long.", field="address")
    try:
        _check_form(address)
    except ValidationError:
        raise AddressError(
            "This is not a mail address. It has the form name@example.org.", field="address"
        ) from None
    return Address(address=address, shown=f"{local}@{_readable(ascii_domain)}")


def _readable(domain: str) -> str:
    try:
        return domain.encode().decode("idna")
    except UnicodeError:
        return domain
