"""Phone numbers that people type: checked, stored as E.164, shown in the international format."""

from typing import Final

import phonenumbers
from django.conf import settings
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from common.channels import Address, AddressField, Note
from common.errors import AddressError

FIELD: Final = AddressField(
    label="Phone number",
    help="With the country code, like +49 30 901820.",
    input_type="tel",
    placeholder="+49 30 901820",
    autocomplete="tel",
)
"""Where a member types a phone number."""
_SIMULATED: Final = Note(
    "No telephone company is set up, so it comes to the simulated phone.",
    "simulator:phone",
    "Open the simulated phone",
)
_MAX_TYPED: Final = 40
_PARSE_ERRORS: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: (
        "This number lacks its country code. Begin with + and the code, as in +49 1512 3456789."
    ),
    NumberParseException.NOT_A_NUMBER: "This is not a phone number. Type it as in +49 1512 3456789.",
    NumberParseException.TOO_SHORT_AFTER_IDD: "This number is too short.",
    NumberParseException.TOO_SHORT_NSN: "This number is too short.",
    NumberParseException.TOO_LONG: "This number is too long.",
}
_LENGTHS: Final = {
    ValidationResult.TOO_SHORT: "This number is too short for its country.",
    ValidationResult.TOO_LONG: "This number is too long for its country.",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "This number lacks its area code.",
    ValidationResult.INVALID_COUNTRY_CODE: "There is no country with this code.",
}
_COSTLY: Final = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}


def note() -> Note | None:
    """Return where calls and text messages go as long as they are simulated."""
    return _SIMULATED if settings.IS_SIMULATED else None


def parse(typed: str) -> PhoneNumber:
    """Parse a number that a person typed. Raises ``AddressError`` if it can't be called."""
    text = typed.strip()
    if not text:
        raise AddressError("Type a phone number.", field="address")
    if len(text) > _MAX_TYPED:
        raise AddressError("This is too long for a phone number.", field="address")
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, None)
    except NumberParseException as error:
        is_unknown = (
            text.startswith(("+", "\uff0b")) and error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        )
        sentence = "There is no country with this code." if is_unknown else _PARSE_ERRORS[error.error_type]
        raise AddressError(sentence, field="address") from None
    _check(number)
    return number


def _check(number: PhoneNumber) -> None:
    if number.extension:
        raise AddressError("A number with an extension can't be used: nobody dials it.", field="address")
    length = phonenumbers.is_possible_number_with_reason(number)
    if length in _LENGTHS:
        raise AddressError(_LENGTHS[length], field="address")
    if not phonenumbers.is_valid_number(number):
        raise AddressError("There is no such number in its country. Check the digits.", field="address")
    if phonenumbers.number_type(number) in _COSTLY:
        raise AddressError("This is a premium-rate number, which we don't call or write to.", field="address")


def is_landline(number: PhoneNumber) -> bool:
    """Say whether it is known not to be a mobile number. Numbers of many countries do not show it."""
    return phonenumbers.number_type(number) in {PhoneNumberType.FIXED_LINE, PhoneNumberType.PAGER}


def address(number: PhoneNumber) -> Address:
    """Return a number as it is stored and shown."""
    return Address(
        address=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        shown=phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    )
