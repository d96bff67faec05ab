"""Which telephone numbers are called and written to: what a call costs is paid by the installation."""

from datetime import timedelta
from typing import Any

import pytest

from common.channels import Message, Outcome
from common.clock import now
from common.errors import AddressError
from eventinvoke.channels import numbers
from eventinvoke.channels.sms.channel import SmsChannel
from eventinvoke.channels.voice.channel import VoiceChannel

CHANNELS = [VoiceChannel, SmsChannel]
BERLIN, TOKYO, KINGSTON = "+4915112345678", "+819012345678", "+18765550123"


@pytest.fixture
def real(settings: Any) -> Any:
    """An account with a number in Germany; nothing is sent to it."""
    settings.IS_SIMULATED = False
    settings.TWILIO_FROM_NUMBER = "+4930901820"
    settings.TWILIO_API_URL = "http://127.0.0.1:9"
    return settings


def send(channel: Any, number: str) -> Any:
    message = Message("", number, "Title", "Body", "tag", now() + timedelta(minutes=5))
    (result,) = [one for one in channel().send([message]) if one is not None]
    return result


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+49 900 1234567", "premium-rate"),
        ("+44 70 1234 5678", "personal number"),
        ("+870 773 111 632", "no country"),
        ("+881 6 1234 5678", "no country"),
        ("+882 16 123456789", "no country"),
    ],
)
def test_premium_and_satellite_numbers_are_refused_even_where_all_countries_are_allowed(
    settings: Any, channel: Any, number: str, said: str
) -> None:
    settings.NOTICE_COUNTRIES = ["ALL"]
    with pytest.raises(AddressError, match=said):
        channel().check_address(number, {})
    result = send(channel, number.replace(" ", ""))
    assert result.outcome is Outcome.REJECTED
    assert said in result.reason


@pytest.mark.parametrize("channel", CHANNELS)
def test_without_a_choice_the_country_of_our_own_number_is_allowed(real: Any, channel: Any) -> None:
    assert channel().check_address(BERLIN, {}).address == BERLIN
    for number in (TOKYO, KINGSTON):
        with pytest.raises(AddressError, match="can't be used here"):
            channel().check_address(number, {})
        assert "can't be used here" in send(channel, number).reason
    assert "can't be used here" not in send(channel, BERLIN).reason


@pytest.mark.parametrize("channel", CHANNELS)
def test_countries_are_chosen(real: Any, channel: Any) -> None:
    real.NOTICE_COUNTRIES = ["jp", "US"]
    assert channel().check_address(TOKYO, {}).address == TOKYO
    for number in (BERLIN, KINGSTON):
        with pytest.raises(AddressError):
            channel().check_address(number, {})


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_country_that_is_allowed_no_more_is_not_called_any_more(real: Any, channel: Any) -> None:
    real.NOTICE_COUNTRIES = ["JP"]
    assert "can't be used here" not in send(channel, TOKYO).reason
    real.NOTICE_COUNTRIES = ["DE"]
    assert send(channel, TOKYO).outcome is Outcome.REJECTED


def test_simulated_calls_go_everywhere(settings: Any) -> None:
    assert settings.IS_SIMULATED
    assert numbers.allowed_countries() is None


def test_a_sender_without_a_country_allows_none(real: Any) -> None:
    real.TWILIO_FROM_NUMBER = "PFS"
    assert numbers.allowed_countries() == frozenset()
