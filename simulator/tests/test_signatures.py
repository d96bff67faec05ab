"""The simulator's own signatures, held against the validator of Twilio's library."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from simulator.provider.callbacks import sign

TOKEN = "12345"


def test_the_example_of_the_documentation_is_signed_as_it_says() -> None:
    # https://www.twilio.com/docs/usage/security#validating-requests
    parameters = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+12349013030"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(TOKEN, url, parameters) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


FIELDS = st.dictionaries(st.text(min_size=1), st.text())


@given(FIELDS, st.text(alphabet="abc/-_.~", max_size=30), FIELDS)
def test_any_form_passes_the_validator(parameters: dict[str, str], path: str, query: dict[str, str]) -> None:
    url = f"https://notice.example.org/{path}" + (f"?{urlencode(query)}" if query else "")
    signature = sign(TOKEN, url, parameters.items())
    assert RequestValidator(TOKEN).validate(url, parameters, signature)


@pytest.mark.parametrize("port", [8000, 80, 443])
def test_an_address_with_a_port_passes_the_validator(port: int) -> None:
    url = f"http://localhost:{port}/call/abc"
    assert RequestValidator(TOKEN).validate(url, {"A": "b"}, sign(TOKEN, url, [("A", "b")]))


def test_another_token_does_not_pass() -> None:
    url = "https://notice.example.org/"
    assert not RequestValidator(TOKEN).validate(url, {"A": "b"}, sign("other", url, [("A", "b")]))
