"""Phone numbers that people type: checked, stored as E.164, shown in the international format."""

from functools import lru_cache
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
from eventinvoke.providers.twilio.senders import own_countries

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
_COSTLY: Final = {
    PhoneNumberType.PREMIUM_RATE: "This is a premium-rate number, which we don't call or write to.",
    PhoneNumberType.SHARED_COST: "This is a premium-rate number, which we don't call or write to.",
    PhoneNumberType.PERSONAL_NUMBER: "This is a personal number that costs extra, which we don't call or write to.",
    PhoneNumberType.UAN: "This is a number of a company that may cost extra, which we don't call or write to.",
}
"""What a call to it may cost is for whom it belongs to decide: the usual way of toll fraud."""
_NO_COUNTRY: Final = "001"
"""What phonenumbers calls the region of +870, +881 (satellites), +878, +882, +883, +979 and their like (ITU-T E.164)."""
_OF_NO_COUNTRY: Final = "This number belongs to no country (a satellite phone or an international network). We don't call or write to it."
_OTHER_COUNTRY: Final = (
    "Numbers of this country ({}) can't be used here. The administrator allows countries in NOTICE_COUNTRIES."
)
_EVERY: Final = "ALL"


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
        raise AddressError(
            "A number with an extension can't be used: calls don't dial extensions.", field="address"
        )
    length = phonenumbers.is_possible_number_with_reason(number)
    if length in _LENGTHS:
        raise AddressError(_LENGTHS[length], field="address")
    if not phonenumbers.is_valid_number(number):
        raise AddressError("There is no such number in its country. Check the digits.", field="address")
    if reason := _refusal(number, allowed_countries()):
        raise AddressError(reason, field="address")


def allowed_countries() -> frozenset[str] | None:
    """Return the countries (ISO 3166-1) whose numbers are called and written to; None for all of them.

    Where none are set it is the countries of our own senders; with simulated calls, which cost nothing, it is all.
    """
    given = frozenset(country.upper() for country in settings.NOTICE_COUNTRIES)
    if given:
        return None if _EVERY in given else given
    if settings.IS_SIMULATED:
        return None
    return own_countries()


def refusal(address: str) -> str:
    """Return why a stored number is not called or written to (any more), or ""."""
    return _refused(address, allowed_countries())


@lru_cache(maxsize=16_384)
def _refused(address: str, allowed: frozenset[str] | None) -> str:
    number = _parsed(address)
    return _refusal(number, allowed) if number is not None else ""


def _parsed(address: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(address, None)
    except NumberParseException:
        return None


def _refusal(number: PhoneNumber, allowed: frozenset[str] | None) -> str:
    country = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    if reason := _COSTLY.get(phonenumbers.number_type(number), ""):
        return reason
    if country == _NO_COUNTRY:
        return _OF_NO_COUNTRY
    return _OTHER_COUNTRY.format(country) if allowed is not None and country not in allowed else ""


def is_landline(number: PhoneNumber) -> bool:
    """Say whether it is known not to be a mobile number. Numbers of many countries do not show it."""
    return phonenumbers.number_type(number) in {PhoneNumberType.FIXED_LINE, PhoneNumberType.PAGER}


def address(number: PhoneNumber) -> Address:
    """Return a number as it is stored and shown."""
    return Address(
        address=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        shown=phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    )
