import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from common.channels import Message
from eventinvoke.channels.webpush import payload


def _message(**changes: Any) -> Message:
    message = Message("", "https://x/", "Title", "Body", "tag", datetime(2030, 1, 1, tzinfo=UTC))
    return message._replace(**changes)


@given(
    title=st.text(max_size=6000),
    body=st.text(max_size=6000),
    url=st.sampled_from(["", "https://example.com/" + "a" * 5000]),
    filler=st.sampled_from(["", "ä", "🦊", '"', "\n"]),
)
def test_the_payload_always_fits_and_can_be_read(title: str, body: str, url: str, filler: str) -> None:
    raw = payload.build(_message(title=title, body=body + filler * 4000, url=url))
    assert len(raw) <= payload.MAX_BYTES
    assert json.loads(raw.decode("utf-8"))["tag"] == "tag"


@pytest.mark.parametrize("letter", ["a", "ä", "€", "🦊"])
def test_a_long_body_is_cut_between_characters_and_ends_with_an_ellipsis(letter: str) -> None:
    raw = payload.build(_message(body=letter * 5000))
    body = json.loads(raw)["body"]
    assert body.rstrip("…") == letter * (len(body) - 1)
    assert len(raw) > payload.MAX_BYTES - 8, "as much as fits is kept"


def test_the_title_and_the_link_survive_a_long_body() -> None:
    read = json.loads(payload.build(_message(body="b" * 9000, url="https://example.com/")))
    assert (read["title"], read["url"]) == ("Title", "https://example.com/")


def test_half_a_surrogate_pair_does_not_stop_a_notice() -> None:
    assert json.loads(payload.build(_message(title="\ud83e")))["title"] == "?"


def test_building_a_payload_leaves_the_language_as_it_was() -> None:
    with translation.override("fr"):
        payload.build(_message(language="de"))
        assert translation.get_language() == "fr"


def test_what_takes_a_notification_back_says_so_and_has_nothing_to_answer() -> None:
    message = _message(body="This was acknowledged.", is_closing=True)
    found = json.loads(payload.build(message))
    assert (found["close"], found["tag"], found["actions"], found["report"]) == (True, "tag", [], "")
    assert found["body"] == "This was acknowledged."
    assert "close" not in json.loads(payload.build(message._replace(is_closing=False)))
