"""What a request gives as text."""

import pytest
from django.test import RequestFactory

from common.requests import next_page, row_key, whole


@pytest.mark.parametrize(("text", "key"), [("7", 7), ("9" * 18, 10**18 - 1), ("9" * 19, 0), ("9" * 5000, 0)])
def test_a_row_key_fits_into_64_bits(text: str, key: int) -> None:
    assert row_key(text) == key


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.0", "٣", "²", "x", "\0"])
def test_what_is_no_number_is_no_key(text: str) -> None:
    assert row_key(text) == 0
    assert whole(text) is None


@pytest.mark.parametrize(
    "page",
    [
        "x",
        "",
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/" + "x" * 20_000,
        "javascript:x",
    ],
)
def test_what_is_no_page_of_ours_leads_to_the_default(page: str) -> None:
    request = RequestFactory().post("/", {"next": page})
    assert next_page(request, "home").url == "/"


def test_a_page_of_ours_is_returned_to() -> None:
    request = RequestFactory().post("/", {"next": "/calendars/?all=1"})
    assert next_page(request, "home").url == "/calendars/?all=1"
