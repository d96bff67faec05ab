"""Process ids can't be made up, and keys can be rotated."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ForgedError
from common.process_ids import read, sign


def test_a_process_id_names_its_attempt() -> None:
    attempt_id = uuid4()
    assert read(sign(attempt_id)) == attempt_id
    assert len(sign(attempt_id)) == 43


@given(st.integers(0, 42), st.characters(max_codepoint=127))
def test_a_process_id_with_one_character_changed_is_refused(position: int, character: str) -> None:
    good = sign(uuid4())
    bad = good[:position] + character + good[position + 1 :]
    if bad != good:
        with pytest.raises(ForgedError):
            read(bad)


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ForgedError):
        read(text)


def test_an_id_signed_with_the_key_before_this_one_is_read(settings: Any) -> None:
    attempt_id = uuid4()
    signed = sign(attempt_id)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, made when the first was rotated"
    assert read(signed) == attempt_id
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ForgedError):
        read(signed)
